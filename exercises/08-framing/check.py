"""Messages on a stream: a frame is a frame, whatever the packets."""

from echolab.classroom import Stream, Submission, Testbed, case

PORT = 7

PAUSE = 12.0
"""Seconds: a client may take its time, and no task bounds it."""


def frame(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def connected(lab: Testbed, submission: Submission) -> Stream:
    submission.start("server", PORT)
    lab.wait_for_port("server", PORT)
    return lab.connect("client", "server", PORT)


@case(
    "one message in one piece; then one from the server's own host, by 127.0.0.1",
    catches=("host-order", "no-frame", "one-address"),
    question="Which bytes stand before the message, in your answer too?",
)
def one_message(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    client.send(frame(b"Wir erschrecken"))
    client.expect(frame(b"nekcerhcsre riW"))
    client.finish()
    client.expect_end()
    near = lab.connect("server", "127.0.0.1", PORT)
    near.send(frame(b"\0\xff\n"))
    near.expect(frame(b"\n\xff\0"))
    near.finish()
    near.expect_end()


@case(
    "three messages in one piece, the second one empty",
    catches=("one-per-recv", "empty-ends"),
    question="What do you do with the bytes behind the first message?",
)
def three_messages(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    messages = [b"12345", b"", lab.random.randbytes(10)]
    client.send(b"".join(map(frame, messages)))
    lab.note("frame-bytes", sum(len(frame(message)) for message in messages))
    for message in messages:
        client.expect(frame(message[::-1]))
    client.finish()
    client.expect_end()


@case(
    "one message, its length and its beginning byte by byte",
    catches=("recv-is-message", "header-whole", "signed-length"),
    question="May the four bytes of the length come in pieces, too?",
)
def byte_by_byte(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    message = lab.random.randbytes(lab.random.randint(384, 511))
    data = frame(message)
    for byte in data[:6]:
        client.send(bytes([byte]))
        lab.sleep(0.01)
    client.send(data[6:])
    client.expect(frame(message[::-1]))
    client.finish()
    client.expect_end()


@case(
    "pieces that end in the middle of messages, the last one late",
    catches=("recv-is-message", "drops-rest", "impatient"),
    question="Where do you keep what belongs to the next message?",
)
def torn(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    messages = [b"12345", b"", b"0123456789"]
    data = b"".join(map(frame, messages))
    cut = lab.random.randint(6, 8)
    client.send(data[:cut])
    lab.sleep(0.1)
    client.send(data[cut:-1])
    client.expect(b"".join(frame(message[::-1]) for message in messages[:2]))
    client.expect_silence(PAUSE, "the third message is not whole yet")
    lab.note("answers-before-the-last-byte", 2)
    client.send(data[-1:])
    client.expect(frame(messages[2][::-1]))
    client.finish()
    client.expect_end()


@case(
    "a message of the largest size",
    catches=("small-buffer",),
    question="How large may a message be, and how often must you call recv for it?",
)
def large(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    message = lab.random.randbytes(1_000_000)
    client.send(frame(message))
    client.expect(frame(message[::-1]), within=60.0)
    client.finish()
    client.expect_end()


@case(
    "clients finish or reset in a message, or go without answers; the next client is served",
    catches=("answers-half", "dies-on-reset"),
    question="Is a message complete because the stream has ended?",
)
def half_message(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    client.send(frame(b"a whole message")[: lab.random.randint(5, 18)])
    client.finish()
    client.expect_end()
    client.close()
    hasty = lab.connect("client", "server", PORT)
    hasty.send(frame(b"nobody waits for this") * 3)
    hasty.close()
    lab.sleep(0.1)
    rude = lab.connect("client", "server", PORT)
    rude.send(frame(b"a whole message")[:10])
    lab.sleep(0.1)
    rude.reset()
    other = lab.connect("client", "server", PORT)
    other.send(frame(b"next"))
    other.expect(frame(b"txen"))


@case(
    "a length of more than a million; the next client is served",
    catches=("trusts-length",),
    question="Who chose the length that you just read, and what if it is not your friend?",
)
def absurd_length(lab: Testbed, submission: Submission) -> None:
    client = connected(lab, submission)
    for length in (lab.random.randint(2_000_000, 4_000_000_000), 1_000_001):
        client.send(length.to_bytes(4, "big") + b"....")
        client.expect_refusal()
        client.close()
        client = lab.connect("client", "server", PORT)
    client.close()
    other = lab.connect("client", "server", PORT)
    other.send(frame(b"next"))
    other.expect(frame(b"txen"))
