"""A socket is a file descriptor, and where the likeness to a file ends.

read(2), write(2) and close(2) take either; a socket has no place to seek to (lseek(2):
ESPIPE), no name to open it by (open(2): ENXIO) and no end until its peer closes.
"""

from echolab import Lab, scenario

SENTENCE = "Wir erschrecken zu guten Zwecken!"


@scenario(
    sentence="einem Socket ein Dateideskriptor zugeordnet wird, über den das "
    "Anwendungsprogramm fast genauso kommunizieren kann, wie über normale Dateien",
    expect="open, read, write and close are alike; seek, names and the end are not.",
)
def file(lab: Lab) -> None:
    argv = ["python3", "-m", "echo_app.descriptor_client", "server", "--port", "7"]
    told = lab.run("client", argv)
    lab.expect(
        "read, write and close alone make the exchange",
        told.stdout.strip() == SENTENCE,
        seen=told.stdout.strip() or told.stderr.strip(),
        theory=SENTENCE,
    )
    facts = lab.python("client", "programs/likeness.py", "server").facts()
    lab.step("alike")
    for fact, theory in (
        ("written", len(SENTENCE)),
        ("read", SENTENCE),
        ("read when closed", "EBADF"),
    ):
        seen = [facts["file"][fact], facts["socket"][fact]]
        lab.expect_equal(f"{fact}: the same of both", seen, [theory, theory])
    lab.expect(
        "the descriptor is the lowest free number, of both",
        facts["file"]["descriptor"] == facts["socket"]["descriptor"],
        seen=[facts["file"]["descriptor"], facts["socket"]["descriptor"]],
        theory="the same number",
        why="the file was closed before the socket was made (open(2), socket(2))",
    )
    lab.step("where the likeness ends")
    for fact, of_file, of_socket in (
        ("seek", "done", "ESPIPE"),
        ("read at a place", "done", "ESPIPE"),
        ("open by name", "done", "ENXIO"),
        ("more to read", "end of file", "wait for the peer"),
    ):
        seen = [facts["file"][fact], facts["socket"][fact]]
        lab.expect_equal(f"{fact}: of a file, of a socket", seen, [of_file, of_socket])
