"""Stop and wait: everything arrives, in order, once, whatever the network does."""

import itertools

from echolab.classroom import Link, Seen, Submission, Testbed, case

PORT = 7000


LARGEST, BLOCK = 1100, 1000
"""Bytes that a datagram may have, and those of the input in it."""

CARRYING = 16
"""Bytes that a datagram which carries some of the input has at least."""


def some_bytes(lab: Testbed, count: int) -> bytes:
    """Bytes of every kind: zero, above 127, and the ends of lines of all systems."""
    return (b"\0\xff\r\n" + lab.random.randbytes(count))[:count]


def carries(seen: Seen, data: bytes, count: int) -> bool:
    """Whether a datagram has so many bytes of the data one behind the other."""
    return any(
        seen.data[at : at + count] in data for at in range(max(0, len(seen.data) - count + 1))
    )


def transfer(
    lab: Testbed, submission: Submission, data: bytes, *, cut: float | None = None
) -> tuple[float, float]:
    """Send the data from client to server; after `cut` seconds nothing gets through for three.

    Returns the lab seconds until the sender had ended, and from there the receiver.
    """
    receiver = submission.start("server", "receive", PORT)
    lab.wait_for_port("server", PORT, "udp")
    began = lab.now()
    sender = submission.start("client", "send", "server", PORT, input=data)
    if cut is not None:
        lab.sleep(cut)
        lab.shape("client", Link(loss=1.0, delay=0.01))
        lab.sleep(3.0)
        lab.shape("client", Link(loss=0.3, delay=0.01))
    finished = sender.succeeds(within=60.0)
    stayed = receiver.succeeds(data, within=10.0).ended - finished.ended
    return finished.ended - began, stayed


@case(
    "a link with a delay, over which each acknowledgement comes twice",
    catches=(
        "not-acknowledged",
        "floods",
        "large-datagrams",
        "large-blocks",
        "two-at-a-time",
        "answers-each-answer",
        "text-functions",
        "uses-a-stream",
    ),
    question="When may the sender send its next block?",
)
def clean(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(delay=0.05))
    lab.shape("server", Link(delay=0.05, duplicate=1.0))
    witness = lab.watch("client")
    data = some_bytes(lab, 3000)
    passed, stayed = transfer(lab, submission, data)
    seen = witness.seen()
    sent = [one for one in seen if one.sent]
    lab.note("datagrams-for-three-blocks", len(sent))
    lab.note("seconds-for-three-blocks", round(passed, 1))
    streams = lab.lab.counter("client", "Tcp.ActiveOpens")
    lab.expect("it uses datagrams alone", streams == 0, expected="no stream", seen=streams)
    largest = max((one.length for one in seen), default=0)
    lab.expect(
        f"no datagram has more than {LARGEST} bytes",
        largest <= LARGEST,
        expected=f"datagrams of at most {LARGEST} bytes",
        seen=f"one of {largest} bytes",
    )
    lab.expect(
        f"no datagram has more than {BLOCK} bytes of the input",
        not any(carries(one, data, BLOCK + 1) for one in seen),
        expected=f"blocks of at most {BLOCK} bytes",
        seen="a larger one",
    )
    blocks = [one for one in sent if len(one.data) >= CARRYING]
    twice = len(blocks) - len({one.data for one in blocks})
    lab.expect(
        "the sender sends each block once where nothing is lost",
        twice == 0,
        expected="no datagram twice",
        seen=f"{twice} that had been sent before",
    )
    pauses = [later.at - one.at for one, later in itertools.pairwise(blocks)]
    lab.expect(
        "the sender waits for each acknowledgement",
        passed >= 0.3 and min(pauses, default=1.0) >= 0.0999,
        expected="a round trip of 0.1 s from each block to the next",
        seen=f"{min(pauses, default=0.0):.2f} s; {passed:.2f} s in all",
    )
    lab.expect(
        "the receiver stays two seconds longer, to acknowledge repetitions",
        1.8 <= stayed <= 2.5,
        expected="2 s",
        seen=f"{stayed:.2f} s",
    )


@case(
    "the first datagram and the second acknowledgement die",
    catches=("no-retransmit", "no-dedupe", "slow-timer"),
    question="What does the receiver see when it was the acknowledgement that died?",
)
def chosen_losses(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(drop=(1,)))
    lab.shape("server", Link(drop=(2,)))
    witness = lab.watch("client")
    transfer(lab, submission, some_bytes(lab, lab.random.randint(2100, 2900)))
    times: dict[bytes, list[float]] = {}
    for one in witness.seen():
        if one.sent:
            times.setdefault(one.data, []).append(one.at)
    waited = [later - first for seen in times.values() for first, later in itertools.pairwise(seen)]
    lab.expect(
        "a block without an acknowledgement is sent again after 0.2 s",
        any(waited) and all(0.19 <= seconds <= 0.25 for seconds in waited),
        expected="0.2 s",
        seen=", ".join(f"{seconds:.2f} s" for seconds in waited) or "never",
    )


@case(
    "three of ten packets die, on either way, and all of them for three seconds",
    catches=("no-retransmit",),
    question="How often may a block have to be sent?",
)
def random_losses(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(loss=0.3, delay=0.01))
    lab.shape("server", Link(loss=0.3, delay=0.01))
    transfer(lab, submission, some_bytes(lab, 9500), cut=0.5)


@case(
    "packets are doubled, and arrive out of order and late",
    catches=("no-dedupe", "any-acknowledgement"),
    question="To which block does an acknowledgement belong that comes late?",
)
def disorder(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(delay=0.3, jitter=0.28, duplicate=0.3))
    lab.shape("server", Link(delay=0.3, jitter=0.28, duplicate=0.3))
    transfer(lab, submission, some_bytes(lab, 9500))


@case(
    "an empty input, and the first acknowledgement dies",
    catches=("no-linger", "empty-hangs"),
    question="Who tells the sender that the end has arrived, if that message is lost?",
)
def empty(lab: Testbed, submission: Submission) -> None:
    lab.shape("server", Link(drop=(1,)))
    transfer(lab, submission, b"")


@case(
    "nobody knows the host; then nobody receives",
    catches=("tries-for-ever",),
    question="When is it time to give up, and how does your caller learn of it?",
)
def nobody(lab: Testbed, submission: Submission) -> None:
    lab.shape("server", Link(loss=1.0))
    submission.start("client", "send", "nobody-here", PORT, input=b"?").gives_up()
    witness = lab.watch("client")
    began = lab.now()
    sender = submission.start("client", "send", "server", PORT, input=b"is anybody there?")
    passed = sender.gives_up(within=60.0).ended - began
    tries = sum(one.sent for one in witness.seen())
    lab.expect(
        "the sender tries 50 times, 0.2 s apart",
        tries == 50 and 9.5 <= passed <= 11.0,
        expected="50 datagrams, 10 s",
        seen=f"{tries} datagrams, {passed:.1f} s",
    )
