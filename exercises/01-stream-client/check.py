"""The stream echo client: the reply whole, however it arrives."""

from echolab.classroom import Link, Submission, Testbed, case

SENTENCE = "Wir erschrecken zu guten Zwecken!"
BUFFER = SENTENCE.encode().ljust(1023, b"\0")


def says_so(lab: Testbed, said: str) -> None:
    """Expect that a client that failed wrote something to standard error."""
    lab.expect(
        "the program says on standard error that it failed",
        bool(said.strip()),
        expected="a message",
        seen="nothing",
    )


@case(
    "the server sends all 1023 bytes back in one piece",
    catches=("family-unset", "sends-sentence-only", "prints-padding"),
    question="Which bytes does the server get, and which of those it returns are the text?",
)
def one_piece(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", 7)
    client = submission.start("client", "server", 7)
    stream = server.accept()
    stream.expect(BUFFER)
    stream.send(BUFFER)
    client.succeeds(SENTENCE + "\n")


@case(
    "the reply arrives in three pieces, a fifth of a second apart",
    catches=("one-recv", "fixed-port"),
    question="What does recv promise about how much it returns?",
)
def pieces(lab: Testbed, submission: Submission) -> None:
    port = lab.random.randint(2000, 60000)
    server = lab.listen("server", port)
    client = submission.start("client", "server", port)
    stream = server.accept()
    stream.expect(BUFFER)
    first = lab.random.randint(1, len(SENTENCE) - 1)
    second = lab.random.randint(len(SENTENCE) + 1, 1000)
    began = lab.now()
    for start, end in ((0, first), (first, second), (second, 1023)):
        stream.send(BUFFER[start:end])
        if end < 1023:
            stream.expect_no_bytes(0.2, "the reply is not whole yet")
    finished = client.succeeds(SENTENCE + "\n")
    lab.note("seconds-for-three-pieces", round(finished.ended - began, 1))


@case(
    "what comes back differs from what was sent",
    catches=("prints-own", "deletes-zeros", "ascii-only", "tidies-blanks"),
    question="Where does the text that you print come from?",
)
def other_text(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", 7)
    client = submission.start("client", "server", 7)
    stream = server.accept()
    stream.expect(BUFFER)
    letters = "".join(lab.random.choices("abcdefghijklmnopqrstuvwxyzäöüß€", k=40))
    text = f"  {letters}  ß"
    stream.send(f"{text}\0and more\0".encode().ljust(1023, b"\0"))
    client.succeeds(text + "\n")


@case(
    "the reply fills the buffer to the last byte, without a zero byte",
    catches=("stops-at-zero",),
    question="How do you know where the reply ends, and where the text in it?",
)
def full_buffer(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", 7)
    client = submission.start("client", "server", 7)
    stream = server.accept()
    stream.expect(BUFFER)
    reply = bytes(lab.random.choices(b"abcdefghijklmnopqrstuvwxyz", k=1023))
    cut = lab.random.randint(100, 900)
    stream.send(reply[:cut])
    stream.expect_no_bytes(0.2, "the reply is not whole yet")
    stream.send(reply[cut:])
    client.succeeds(reply.decode() + "\n")


@case(
    "the server closes before the reply is whole",
    catches=("ignores-close", "succeeds-anyway", "silent"),
    question="What does recv return when the peer has closed, and what do you do then?",
)
def early_close(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", 7)
    client = submission.start("client", "server", 7)
    stream = server.accept()
    stream.expect(BUFFER)
    stream.send(BUFFER[: lab.random.randint(len(SENTENCE) + 1, 900)])
    stream.close()
    finished = client.gives_up(within=5.0)
    lab.expect_bytes("what it printed for half a reply", finished.stdout.encode(), b"")
    says_so(lab, finished.stderr)


@case(
    "nobody knows the host, or listens; then a server resets the connection in its reply",
    catches=("ignores-errors",),
    question="Which of the calls can fail, and what would your program print if one did?",
)
def errors(lab: Testbed, submission: Submission) -> None:
    for host in ("nobody-here", "server"):
        nobody = submission.start("client", host, 7).gives_up()
        lab.expect_bytes("what it printed without a server", nobody.stdout.encode(), b"")
        says_so(lab, nobody.stderr)
    server = lab.listen("server", 7)
    client = submission.start("client", "server", 7)
    stream = server.accept()
    stream.expect(BUFFER)
    stream.send(BUFFER[: lab.random.randint(len(SENTENCE) + 1, 900)])
    lab.sleep(0.1)
    stream.reset()
    finished = client.gives_up()
    lab.expect_bytes("what it printed for half a reply", finished.stdout.encode(), b"")
    says_so(lab, finished.stderr)


@case(
    "the packets take their time, the reply comes whole and late",
    catches=("impatient",),
    question="How long may a reply take before a client may say that there is none?",
)
def slow(lab: Testbed, submission: Submission) -> None:
    delay = lab.random.randint(200, 400) / 1000
    lab.shape("client", Link(delay=delay))
    lab.shape("server", Link(delay=delay))
    server = lab.listen("server", 7)
    client = submission.start("client", "server", 7)
    stream = server.accept()
    accepted = lab.now()
    stream.expect(BUFFER)
    stream.send(BUFFER)
    finished = client.succeeds(SENTENCE + "\n")
    connecting = 3 * delay  # SYN, SYN and ACK, ACK: the server knows after three ways
    passed = finished.ended - accepted + connecting
    lab.note("round-trips-until-the-reply", round(passed / (2 * delay), 1))
