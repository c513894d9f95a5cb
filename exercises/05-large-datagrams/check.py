"""The datagram server: whole datagrams or none."""

from echolab.classroom import Submission, Testbed, case

PORT = 7
LARGEST = 65507


def serve(lab: Testbed, submission: Submission, limit: int) -> tuple[str, int]:
    submission.start("server", PORT, limit)
    lab.wait_for_port("server", PORT, "udp")
    return lab.address("server").ip, PORT


@case(
    "a short datagram comes back, and a binary one; then to 127.0.0.1 on the server's own host",
    catches=("strlen", "one-address", "trims-zeros"),
    question="How long is the datagram that you received?",
)
def short(lab: Testbed, submission: Submission) -> None:
    where = serve(lab, submission, 2000)
    for host, target in (("client", where), ("server", ("127.0.0.1", PORT))):
        client = lab.datagrams(host)
        for message in (b"Wir erschrecken", b"null\0 and \xff behind\r\n\0\0"):
            client.send(message, target)
            client.expect(message)


@case(
    "datagrams of LIMIT - 1, LIMIT and LIMIT + 1 bytes",
    catches=("off-by-one", "cuts", "fixed-limit"),
    question="How can you tell a datagram that fits exactly from one that was cut?",
)
def around_limit(lab: Testbed, submission: Submission) -> None:
    limit = lab.random.randint(500, 1400)
    where = serve(lab, submission, limit)
    client = lab.datagrams("client")
    message = lab.random.randbytes(limit + 1)
    client.send(message[: limit - 1], where)
    client.expect(message[: limit - 1])
    client.send(message[:limit], where)
    client.expect(message[:limit])
    client.send(message, where)
    client.expect(b"too long")


@case(
    "a datagram far beyond the limit, then a short one",
    catches=("cuts", "rest-follows"),
    question="Where is the rest of a datagram that was longer than your buffer?",
)
def far_beyond(lab: Testbed, submission: Submission) -> None:
    where = serve(lab, submission, 2000)
    client = lab.datagrams("client")
    client.send(lab.random.randbytes(5000), where)
    client.expect(b"too long")
    client.send(b"ten bytes!", where)
    client.expect(b"ten bytes!")
    client.expect_silence(0.5)
    witness = lab.datagrams("server", 2000)
    client.send(bytes(5000), (where[0], 2000))
    client.send(bytes(10), (where[0], 2000))
    witness.receive(most=2000)
    lab.note("bytes-from-a-short-buffer", len(witness.receive(most=2000)[0]))


@case(
    "the largest datagram there is, with the largest limit",
    catches=("small-buffer",),
    question="What bounds the length of a datagram, and how large must your buffer be?",
)
def largest(lab: Testbed, submission: Submission) -> None:
    where = serve(lab, submission, LARGEST)
    client = lab.datagrams("client")
    message = lab.random.randbytes(LARGEST)
    before = lab.lab.counter("client", "Ip.FragCreates")
    client.send(message, where)
    lab.note("packets-for-65507-bytes", lab.lab.counter("client", "Ip.FragCreates") - before)
    client.expect(message)


@case(
    "an empty datagram",
    catches=("empty-ends", "empty-ignored"),
    question="What does it mean when recvfrom returns 0?",
)
def empty(lab: Testbed, submission: Submission) -> None:
    where = serve(lab, submission, 100)
    client = lab.datagrams("client")
    client.send(b"", where)
    client.expect(b"")
    client.send(b"after", where)
    client.expect(b"after")


@case(
    "two clients send in turn; each gets its own answers",
    catches=("first-sender",),
    question="To whom do you send an answer?",
)
def two_clients(lab: Testbed, submission: Submission) -> None:
    where = serve(lab, submission, 100)
    clients = [lab.datagrams("client"), lab.datagrams("client"), lab.datagrams("server")]
    for _ in range(2):
        for client in lab.random.sample(clients, 3):
            message = lab.random.randbytes(lab.random.randint(1, 120))
            client.send(message, where)
            client.expect(message if len(message) <= 100 else b"too long")
