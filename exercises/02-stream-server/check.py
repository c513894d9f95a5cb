"""The stream echo server: every byte back, for one client after the other."""

from echolab.classroom import Stream, Submission, Testbed, case

PORT = 7

PAUSE = 12.0
"""Seconds: a client may take its time, and no task bounds it."""


def some_bytes(lab: Testbed, count: int) -> bytes:
    return lab.random.randbytes(count)


@case(
    "one client sends a line and gets it back; then one on the server's own host, by 127.0.0.1",
    catches=("strlen", "one-address", "drops-returns"),
    question="How many bytes did recv return, and how many do you send?",
)
def one_line(lab: Testbed, submission: Submission) -> None:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    for host, target in (("client", "server"), ("server", "127.0.0.1")):
        client = lab.connect(host, target, PORT)
        client.send(b"null\0and\xff\0behind\r\n")
        client.expect(b"null\0and\xff\0behind\r\n")
        client.finish()
        client.expect_end()


@case(
    "5000 bytes dribble in pieces; each comes back before the next is sent, the last one late",
    catches=("one-recv", "reads-all-first", "impatient"),
    question="When do you know that a client has sent everything, and must you wait for it?",
)
def dribble(lab: Testbed, submission: Submission) -> None:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    client = lab.connect("client", "server", PORT)
    message = some_bytes(lab, 5000)
    cuts = sorted(lab.random.sample(range(1, 5000), 7))
    for start, end in zip([0, *cuts], [*cuts, 5000], strict=True):
        client.send(message[start:end])
        client.expect(message[start:end])
        lab.sleep(0.05)
    lab.sleep(PAUSE)
    client.send(b"the last")
    client.expect(b"the last")
    client.finish()
    client.expect_end()


@case(
    "5000 bytes come at once",
    catches=("one-recv",),
    question="What happens to the bytes that did not fit into your buffer?",
)
def at_once(lab: Testbed, submission: Submission) -> None:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    client = lab.connect("client", "server", PORT)
    message = some_bytes(lab, 5000)
    client.send(message)
    client.expect(message)
    client.finish()
    client.expect_end()


@case(
    "a second client comes while the first is served, and gets its turn",
    catches=("one-client", "leaves-open"),
    question="What does your program do after the first client has gone?",
)
def next_client(lab: Testbed, submission: Submission) -> None:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    first = lab.connect("client", "server", PORT)
    second = lab.connect("client", "server", PORT)
    lab.note("connections-while-busy", "yes")
    for client in (first, second):
        message = some_bytes(lab, lab.random.randint(10, 100))
        client.send(message)
        client.expect(message)
        client.finish()
        client.expect_end()
        client.close()


@case(
    "clients reset, say nothing, or go without their echo; the next one is served",
    catches=("dies-on-reset", "dies-on-empty"),
    question="Whose trouble is it when one client goes away without a word?",
)
def reset(lab: Testbed, submission: Submission) -> None:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    for leave in (Stream.reset, Stream.close):
        leave(lab.connect("client", "server", PORT))
        lab.sleep(0.1)
    rude = lab.connect("client", "server", PORT)
    rude.send(some_bytes(lab, 100))
    rude.receive(100)
    rude.reset()
    lab.sleep(0.1)
    hasty = lab.connect("client", "server", PORT)
    hasty.send(some_bytes(lab, 5000))
    hasty.close()
    lab.sleep(0.1)
    client = lab.connect("client", "server", PORT)
    client.send(b"still there?")
    client.expect(b"still there?")
    client.finish()
    client.expect_end()


@case(
    "a second server finds the port taken; the first is stopped and started again at once",
    catches=("no-reuse", "in-use-status"),
    question="What does the kernel remember of a connection whose program has gone?",
)
def restart(lab: Testbed, submission: Submission) -> None:
    server = submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    client = lab.connect("client", "server", PORT)
    client.send(b"before")
    client.expect(b"before")
    submission.start("server", PORT).gives_up()
    server.stop()
    client.expect_end()
    client.close()
    lab.sleep(0.1)
    waiting = [host for host in ("server", "client") if "TIME_WAIT" in lab.connections(host)]
    lab.note("who-keeps-time-wait", " and ".join(waiting) or "nobody")
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    client = lab.connect("client", "server", PORT)
    client.send(b"after")
    client.expect(b"after")
    client.finish()
    client.expect_end()
