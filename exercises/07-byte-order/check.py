"""Numbers on the wire: the network's order of bytes, there and back."""

import struct

from echolab.classroom import Running, Stream, Submission, Testbed, case

HEADER = struct.Struct(">HI")


def connected(
    lab: Testbed, submission: Submission, port: int, kind: int, sequence: int
) -> tuple[Stream, Running]:
    """The client's connection and the client, and a word about which port it really called."""
    server = lab.listen("server", port)
    swapped = lab.listen("server", struct.unpack("<H", struct.pack(">H", port))[0])
    client = submission.start("client", "server", port, kind, sequence)
    lab.sleep(0.5)
    lab.expect(
        f"the client calls port {port}",
        swapped.has_none(),
        expected=f"a connection to port {port}",
        seen=f"a connection to port {swapped.port}",
    )
    return server.accept(), client


def exchange(stream: Stream, kind: int, sequence: int, reply: tuple[int, int]) -> None:
    stream.expect(HEADER.pack(kind, sequence))
    stream.send(HEADER.pack(*reply))


@case(
    "the client calls port 7",
    catches=("double-htons", "no-htons"),
    question="How often does the port number pass through htons on its way into the packet?",
)
def port(lab: Testbed, submission: Submission) -> None:
    stream, client = connected(lab, submission, 7, 1, 1)
    exchange(stream, 1, 1, (1, 2))
    client.succeeds("1 2\n")
    lab.note("port-7-swapped", struct.unpack("<H", struct.pack(">H", 7))[0])


@case(
    "a kind and a sequence number that differ in every byte",
    catches=("host-order", "one-field-swapped", "padded"),
    question="Which byte of each number leaves first, and how long is your header?",
)
def header(lab: Testbed, submission: Submission) -> None:
    kind, sequence = 258, lab.random.randint(0x01020304, 0x0F0E0D0C)
    stream, client = connected(lab, submission, 1000, kind, sequence)
    exchange(stream, kind, sequence, (kind, sequence))
    client.succeeds(f"{kind} {sequence}\n")
    lab.note("first-byte-of-258", HEADER.pack(kind, sequence)[0])


@case(
    "the answer has other numbers than the question",
    catches=("prints-own",),
    question="Which of the two headers do you print?",
)
def reply(lab: Testbed, submission: Submission) -> None:
    stream, client = connected(lab, submission, 1000, 3, 4)
    answer = lab.random.randint(0x0102, 0xFF00), lab.random.randint(0x01020304, 0x7F000000)
    exchange(stream, 3, 4, answer)
    client.succeeds(f"{answer[0]} {answer[1]}\n")


@case(
    "the largest numbers, then the smallest",
    catches=("signed", "zero-is-none"),
    question="Do your numbers have a sign?",
)
def largest(lab: Testbed, submission: Submission) -> None:
    stream, client = connected(lab, submission, 1000, 65535, 4294967295)
    exchange(stream, 65535, 4294967295, (65534, 4294967294))
    client.succeeds("65534 4294967294\n")
    stream, client = connected(lab, submission, 1001, 0, 0)
    exchange(stream, 0, 0, (0, 0))
    client.succeeds("0 0\n")


@case(
    "the answer comes in two pieces",
    catches=("one-recv",),
    question="How many bytes does one recv bring?",
)
def pieces(lab: Testbed, submission: Submission) -> None:
    stream, client = connected(lab, submission, 1000, 7, 8)
    stream.expect(HEADER.pack(7, 8))
    answer = HEADER.pack(259, 0x01020304)
    cut = lab.random.randint(1, 5)
    stream.send(answer[:cut])
    stream.expect_no_bytes(0.2, "the answer is not whole yet")
    stream.send(answer[cut:])
    client.succeeds(f"259 {0x01020304}\n")


@case(
    "the server closes after three bytes of its answer; then there is none, or no such host",
    catches=("ignores-close",),
    question="What do you know when recv returns 0?",
)
def early_close(lab: Testbed, submission: Submission) -> None:
    stream, client = connected(lab, submission, 1000, 7, 8)
    stream.expect(HEADER.pack(7, 8))
    stream.send(b"\0\1\2")
    stream.close()
    finished = client.gives_up()
    lab.expect_bytes("what it printed for half an answer", finished.stdout.encode(), b"")
    for host, port in (("server", 2000), ("nobody-here", 1000)):
        submission.start("client", host, port, 7, 8).gives_up()
