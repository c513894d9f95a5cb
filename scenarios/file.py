"""A socket is a file descriptor; this is where the likeness to a file ends.

read(2), write(2) and close(2) take either. But a socket has no position to seek to
(lseek(2): ESPIPE), no name to open it by (open(2): ENXIO), and no end until its peer closes.
"""

from echolab import Lab, scenario

SENTENCE = "Wir erschrecken zu guten Zwecken!"


@scenario(
    sentence="einem Socket ein Dateideskriptor zugeordnet wird, über den das "
    "Anwendungsprogramm fast genauso kommunizieren kann, wie über normale Dateien",
    expect="read, write and close work alike; seeking, names and the end of file do not.",
    picture="conversations",
    stretch="open",
    then="run short-read",
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
        lab.expect_equal(f"{fact}: the same for both", seen, [theory, theory])
    lab.expect(
        "both descriptors are the lowest free number",
        facts["file"]["descriptor"] == facts["socket"]["descriptor"],
        seen=[facts["file"]["descriptor"], facts["socket"]["descriptor"]],
        theory="the same number",
        why="the file was closed before the socket was made (open(2), socket(2))",
    )
    lab.step("where the likeness ends")
    for fact, of_file, of_socket in (
        ("seek", "done", "ESPIPE"),
        ("read at an offset", "done", "ESPIPE"),
        ("open by name", "done", "ENXIO"),
        ("more to read", "end of file", "wait for the peer"),
    ):
        seen = [facts["file"][fact], facts["socket"][fact]]
        lab.expect_equal(f"{fact}: file, then socket", seen, [of_file, of_socket])
    unlike = [fact for fact in facts["file"] if facts["file"][fact] != facts["socket"][fact]]
    lab.conclude(
        True,
        "read, write and close alone make the exchange"
        + (f"; a file and a socket differ in: {', '.join(unlike)}." if unlike else "."),
        only="for read, write and close" if unlike else "",
    )
