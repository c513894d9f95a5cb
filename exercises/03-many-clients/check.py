"""Many clients at a time: nobody waits for anybody."""

from echolab.classroom import Running, Submission, Testbed, case

PORT = 7

PAUSE = 12.0
"""Seconds: a client may take its time, and no task bounds it."""

MUCH = 3_000_000
"""Bytes: more than the kernels between two programs keep of what nobody reads."""


def serve(lab: Testbed, submission: Submission) -> Running:
    server = submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    return server


@case(
    "one client dribbles 3000 bytes; then one is on the server's own host, by 127.0.0.1",
    catches=("waits-for-1023", "one-address"),
    question="For how many bytes does your server wait before it answers?",
)
def alone(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    client = lab.connect("client", "server", PORT)
    message = lab.random.randbytes(3000)
    cuts = sorted(lab.random.sample(range(1, 3000), 4))
    for start, end in zip([0, *cuts], [*cuts, 3000], strict=True):
        client.send(message[start:end])
        client.expect(message[start:end])
    client.finish()
    client.expect_end()
    near = lab.connect("server", "127.0.0.1", PORT)
    near.send(b"\0\xff\r\n")
    near.expect(b"\0\xff\r\n")


@case(
    "a silent client is there first; the next one gets its answer, and in the end the first",
    catches=("one-at-a-time", "impatient"),
    question="In which call does your server stand while the silent client says nothing?",
)
def silent(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    quiet = lab.connect("client", "server", PORT)
    lab.sleep(0.5)
    client = lab.connect("client", "server", PORT)
    asked = lab.now()
    client.send(b"is anybody there?")
    client.expect(b"is anybody there?")
    lab.note("seconds-behind-a-silent-client", round(lab.now() - asked, 1))
    client.finish()
    client.expect_end()
    lab.sleep(PAUSE)
    quiet.send(b"now it speaks")
    quiet.expect(b"now it speaks")
    quiet.finish()
    quiet.expect_end()


@case(
    "twelve clients speak in turn; each gets its own bytes and no others",
    catches=("mixes-clients", "two-clients"),
    question="Which of your variables belong to one client, and which to all?",
)
def interleaved(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    clients = [lab.connect("client", "server", PORT) for _ in range(12)]
    for _ in range(3):
        for client in lab.random.sample(clients, len(clients)):
            message = lab.random.randbytes(lab.random.randint(1, 60))
            client.send(message)
            client.expect(message)
    messages = [lab.random.randbytes(40) for _ in clients]
    for client, message in zip(clients, messages, strict=True):
        client.send(message)
    for client, message in zip(clients, messages, strict=True):
        client.expect(message)
        client.finish()
        client.expect_end()


@case(
    "forty clients are connected, the last is served, then all of them",
    catches=("two-clients",),
    question="What bounds the number of clients that your server can hold?",
)
def forty(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    clients = [lab.connect("client", "server", PORT) for _ in range(40)]
    clients[-1].send(b"the last")
    clients[-1].expect(b"the last")
    states = lab.connections("server")
    lab.note("sockets-for-forty-clients", states["LISTEN"] + states["ESTABLISHED"])
    for number, client in enumerate(clients):
        client.send(b"client %d" % number)
    for number, client in enumerate(clients):
        client.expect(b"client %d" % number)


@case(
    "one client sends without end and reads nothing; the others get their answers",
    catches=("blocking-send",),
    question="In which call does your server stand when a client does not read its answers?",
)
def never_reads(lab: Testbed, submission: Submission) -> None:
    server = serve(lab, submission)
    early = lab.connect("client", "server", PORT)
    greedy = lab.connect("client", "server", PORT, room=4096)
    message = lab.random.randbytes(MUCH)
    sent = greedy.flood(message)
    for client in (early, lab.connect("client", "server", PORT)):
        client.send(b"is anybody there?")
        client.expect(b"is anybody there?")
        client.finish()
        client.expect_end()
    greedy.expect(message[:sent], within=60.0)
    greedy.flood(message)
    greedy.reset()
    lab.sleep(0.1)
    client = lab.connect("client", "server", PORT)
    client.send(b"still there?")
    client.expect(b"still there?")
    server.waits()


@case(
    "one client resets its connection, one goes without its echo, while another is served",
    catches=("dies-on-reset",),
    question="What does recv do in your program when the peer has reset the connection?",
)
def reset(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    rude = lab.connect("client", "server", PORT)
    client = lab.connect("client", "server", PORT)
    rude.send(b"hello")
    rude.expect(b"hello")
    rude.reset()
    hasty = lab.connect("client", "server", PORT)
    hasty.send(lab.random.randbytes(5000))
    hasty.close()
    lab.sleep(0.1)
    client.send(b"still there?")
    client.expect(b"still there?")
    client.finish()
    client.expect_end()


@case(
    "four hundred clients come and go, each is closed when it has finished; then a restart",
    catches=("never-closes", "keeps-asking", "full-table", "in-use-status"),
    question="Who closes the socket of a client that has gone?",
)
def closes(lab: Testbed, submission: Submission) -> None:
    server = serve(lab, submission)
    for number in range(400):
        client = lab.connect("client", "server", PORT)
        client.send(b"client %d" % number)
        client.expect(b"client %d" % number)
        client.finish()
        client.expect_end()
        client.close()
    server.waits()
    last = lab.connect("client", "server", PORT)
    last.send(b"the last")
    last.expect(b"the last")
    submission.start("server", PORT).gives_up()
    server.stop()
    last.expect_end()
    last.close()
    serve(lab, submission)
