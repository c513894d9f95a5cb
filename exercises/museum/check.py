"""The bug museum: what shows each mistake of the lecture's programs, and its absence."""

from echolab.classroom import Stream, Submission, Testbed, case

PORT = 7


def serve(lab: Testbed, exhibit: Submission) -> Stream:
    exhibit.start("server", PORT)
    lab.wait_for_port("server", PORT)
    return lab.connect("client", "server", PORT)


def finish(client: Stream) -> None:
    client.finish()
    client.expect_end()


@case("5000 bytes come in pieces", question="What does recv promise about how much it returns?")
def one_recv(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    message = lab.random.randbytes(5000)
    client.send(message[:100])
    lab.sleep(0.1)
    client.send(message[100:])
    client.expect(message)
    finish(client)


@case(
    "a client resets its connection, the next one wants its echo",
    question="Which number does recv return when it fails, and what does send make of it?",
)
def minus_one(lab: Testbed, exhibit: Submission) -> None:
    rude = serve(lab, exhibit)
    rude.send(b"hello")
    rude.expect(b"hello")
    rude.reset()
    lab.sleep(0.1)
    client = lab.connect("client", "server", PORT)
    client.send(b"still there?")
    client.expect(b"still there?")
    finish(client)


@case(
    "a long message, then a short one",
    question="What ends a string in C, and who put it into your buffer?",
)
def no_nul(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    client.send(b"my password is swordfish")
    client.expect(b"my password is swordfish")
    other = lab.connect("client", "server", PORT)
    other.send(b"hello")
    other.expect(b"hello")
    finish(other)


@case(
    "the server is stopped with a client connected, and started again",
    question="What does the kernel remember of a connection whose program has gone?",
)
def no_reuse(lab: Testbed, exhibit: Submission) -> None:
    server = exhibit.start("server", PORT)
    lab.wait_for_port("server", PORT)
    client = lab.connect("client", "server", PORT)
    client.send(b"before")
    client.expect(b"before")
    server.stop()
    client.expect_end()
    client.close()
    lab.sleep(0.1)
    client = serve(lab, exhibit)
    client.send(b"after")
    client.expect(b"after")
    finish(client)


@case("a client connects", question="Which of accept's arguments does the kernel read first?")
def address_length(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    client.send(b"hello")
    client.expect(b"hello")
    finish(client)


@case("a client calls the port", question="How often was the port number turned around?")
def double_htons(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    client.send(b"hello")
    client.expect(b"hello")
    finish(client)


@case("the client connects and sends", question="Which family does an address of zeros have?")
def family_unset(lab: Testbed, exhibit: Submission) -> None:
    server = lab.listen("server", PORT)
    client = exhibit.start("client", PORT)
    stream = server.accept()
    stream.expect(b"Wir erschrecken zu guten Zwecken!".ljust(1023, b"\0"))
    client.succeeds()


@case("a message with zero bytes in it", question="How many bytes did recv return?")
def strlen(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    client.send(b"null\0and\0behind\n")
    client.expect(b"null\0and\0behind\n")
    finish(client)


@case("a client finishes and waits for the end", question="Who closes the server's socket?")
def never_closes(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    client.send(b"hello")
    client.expect(b"hello")
    finish(client)


@case("a silent client is there first", question="In which call does the server stand?")
def one_at_a_time(lab: Testbed, exhibit: Submission) -> None:
    serve(lab, exhibit)
    client = lab.connect("client", "server", PORT)
    client.send(b"is anybody there?")
    client.expect(b"is anybody there?")
    finish(client)


@case("a client on another host connects", question="On which addresses does the server listen?")
def loopback_only(lab: Testbed, exhibit: Submission) -> None:
    client = serve(lab, exhibit)
    client.send(b"hello")
    client.expect(b"hello")
    finish(client)
