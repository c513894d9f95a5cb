"""The two ends of a connection: finished with sending is not finished with receiving."""

from echolab.classroom import Submission, Testbed, case

PORT = 7


def some_bytes(lab: Testbed, count: int) -> bytes:
    """Bytes of every kind: zero, above 127, and the ends of lines of all systems."""
    return (b"\0\xff\r\n" + lab.random.randbytes(count))[:count]


@case(
    "the server answers when the client has finished sending",
    catches=("no-shutdown", "closes-both", "text-input"),
    question="How does the server learn that nothing more will come?",
)
def answer_after_end(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", PORT)
    text = some_bytes(lab, 60)
    client = submission.start("client", "server", PORT, input=text)
    stream = server.accept()
    lab.expect_bytes("what the server received", stream.receive_all(), text)
    lab.sleep(0.1)
    states = [state for state in lab.connections("client") if state.startswith("FIN_WAIT")]
    lab.note("state-after-shutdown", " ".join(states) or "none of the waiting ones")
    stream.send(b"an answer\n")
    stream.close()
    client.succeeds("an answer\n")


@case(
    "the answer comes in pieces and is longer than any buffer",
    catches=("one-recv", "text-output", "text-functions"),
    question="How does the client learn that the answer is whole?",
)
def long_answer(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", PORT)
    client = submission.start("client", "server", PORT, input=b"a question")
    stream = server.accept()
    lab.expect_bytes("what the server received", stream.receive_all(), b"a question")
    answer = some_bytes(lab, 30_000)
    for start in range(0, len(answer), 10_000):
        stream.send(answer[start : start + 10_000])
        lab.sleep(0.1)
    stream.close()
    client.succeeds(answer)


@case(
    "the input is longer than any pipe or buffer holds",
    catches=("first-part-only",),
    question="When is standard input at its end?",
)
def long_input(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", PORT)
    text = some_bytes(lab, 200_000)
    client = submission.start("client", "server", PORT, input=text)
    stream = server.accept()
    received = stream.receive_all()
    lab.expect_bytes("what the server received", received, text)
    stream.send(b"%d\n" % len(received))
    stream.close()
    client.succeeds(f"{len(text)}\n")


@case(
    "nothing to send: the client finishes at once and gets an answer",
    catches=("needs-input",),
    question="Is there anything to tell the server when there is nothing to send?",
)
def empty_input(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", PORT)
    client = submission.start("client", "server", PORT, input=b"")
    stream = server.accept()
    stream.expect_end()
    stream.send(b"you said nothing\n")
    stream.close()
    client.succeeds("you said nothing\n")


@case(
    "the server thinks for twenty seconds",
    catches=("impatient",),
    question="What tells the client that the server is still there?",
)
def slow_answer(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", PORT)
    client = submission.start("client", "server", PORT, input=b"what is the answer?")
    stream = server.accept()
    stream.receive_all()
    asked = lab.now()
    lab.sleep(20.0)
    stream.send(b"42\n")
    stream.close()
    finished = client.succeeds("42\n")
    waited = finished.ended - asked
    lab.note("seconds-of-waiting", "never" if waited >= 20 else round(waited, 1))


@case(
    "nobody listens, or knows the host; the server resets the connection on either way",
    catches=("ignores-reset",),
    question="How does a broken connection differ from a finished one?",
)
def broken(lab: Testbed, submission: Submission) -> None:
    for host in ("server", "nobody-here"):
        submission.start("client", host, PORT, input=b"a question").gives_up()
    server = lab.listen("server", PORT)
    client = submission.start("client", "server", PORT, input=b"a question" * 100_000)
    stream = server.accept()
    stream.receive(1000)
    stream.reset()
    client.gives_up()
    client = submission.start("client", "server", PORT, input=b"a question")
    stream = server.accept()
    stream.receive_all()
    stream.send(b"half an ans")
    lab.sleep(0.2)
    stream.reset()
    client.gives_up()
