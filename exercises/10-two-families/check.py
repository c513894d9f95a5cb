"""One server, two families of addresses."""

from echolab.classroom import Stream, Submission, Testbed, case

PORT = 7

PAUSE = 12.0
"""Seconds: a client may take its time, and no task bounds it."""


def serve(lab: Testbed, submission: Submission) -> None:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)


def exchange(lab: Testbed, client: Stream, greeting: str, message: bytes) -> None:
    client.expect(f"you are {greeting}\n".encode())
    client.send(message)
    client.expect(message)
    client.finish()
    client.expect_end()
    client.close()


@case(
    "a client comes by IPv4",
    catches=("six-only", "mapped", "drops-returns"),
    question="Which family does the client see, and what does your socket call its address?",
)
def four(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    client = lab.connect("client", "server", PORT)
    exchange(lab, client, lab.address("client").ip, b"by \0 and \xff IPv4\r\n")
    states = lab.connections("server")
    lab.note("sockets-that-listen", states.get("LISTEN", 0))


@case(
    "a client comes by IPv6, and takes its time",
    catches=("four-only", "tuple", "impatient"),
    question="On which addresses does your server listen?",
)
def six(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    client = lab.connect("client", "server", PORT, ip6=True)
    lab.sleep(PAUSE)
    exchange(lab, client, client.own_address, b"by IPv6")


@case(
    "clients of both families come, several of one kind in a row",
    catches=("takes-turns",),
    question="Which client comes next, and how does your server know?",
)
def mixed(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    for families in ((False, False, False, True), (True, True, False)):
        for ip6 in families:
            client = lab.connect("client", "server", PORT, ip6=ip6)
            greeting = client.own_address if ip6 else lab.address("client").ip
            exchange(lab, client, greeting, lab.random.randbytes(20))


@case(
    "a client goes without its echo, the others wait for their turn",
    catches=("one-client", "dies-on-reset"),
    question="What becomes of a client that connects while another one is served?",
)
def waiting(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    hasty = lab.connect("client", "server", PORT)
    hasty.send(lab.random.randbytes(5000))
    hasty.close()
    lab.sleep(0.1)
    rude = lab.connect("client", "server", PORT, ip6=True)
    rude.reset()
    lab.sleep(0.1)
    clients = [lab.connect("client", "server", PORT, ip6=ip6) for ip6 in (False, True, False)]
    messages = [lab.random.randbytes(3000) for _ in clients]
    for client, message in zip(clients, messages, strict=True):
        client.send(message)  # all before any answer: which one is served next is not said
        client.finish()
    for client, message in zip(clients, messages, strict=True):
        client.expect(f"you are {client.own_address}\n".encode() + message)
        client.expect_end()
        client.close()


@case(
    "clients on the server's own host, by both loopback addresses",
    catches=("one-address",),
    question="How many addresses does a host have?",
)
def loopback(lab: Testbed, submission: Submission) -> None:
    serve(lab, submission)
    exchange(lab, lab.connect("server", "127.0.0.1", PORT), "127.0.0.1", b"by IPv4")
    client = lab.connect("server", "::1", PORT, ip6=True)
    lab.note("family-of-loopback", client.own_address)
    exchange(lab, client, "::1", b"by IPv6")
