"""Stop and wait: everything arrives, in order, once, whatever the network does."""

from echolab.classroom import Link, Submission, Testbed, case

PORT = 7000


def letters(lab: Testbed, count: int) -> str:
    return "".join(lab.random.choices("abcdefghijklmnopqrstuvwxyz\n", k=count))


def transfer(
    lab: Testbed, submission: Submission, text: str, *, cut: float | None = None
) -> tuple[float, float]:
    """Send the text from client to server; after `cut` seconds nothing gets through for three.

    Returns the lab seconds until the sender had ended, and from there the receiver.
    """
    receiver = submission.start("server", "receive", PORT)
    lab.wait_for_port("server", PORT, "udp")
    began = lab.now()
    sender = submission.start("client", "send", "server", PORT, input=text.encode())
    if cut is not None:
        lab.sleep(cut)
        lab.shape("client", Link(loss=1.0, delay=0.01))
        lab.sleep(3.0)
        lab.shape("client", Link(loss=0.3, delay=0.01))
    finished = sender.succeeds(within=60.0)
    stayed = receiver.succeeds(text, within=10.0).ended - finished.ended
    return finished.ended - began, stayed


@case(
    "a link with a delay, over which each acknowledgement comes twice",
    catches=("not-acknowledged", "floods"),
    question="When may the sender send its next block?",
)
def clean(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(delay=0.05))
    lab.shape("server", Link(delay=0.05, duplicate=1.0))
    before = lab.lab.counter("client", "Udp.OutDatagrams")
    passed, stayed = transfer(lab, submission, letters(lab, 3000))
    sent = lab.lab.counter("client", "Udp.OutDatagrams") - before
    lab.note("datagrams-for-three-blocks", sent)
    lab.note("seconds-for-three-blocks", round(passed, 1))
    lab.expect(
        "the sender sends each block once where nothing is lost",
        3 <= sent <= 8,
        expected="3 to 8 datagrams for 3000 bytes",
        seen=f"{sent} datagrams",
    )
    fragments = lab.lab.counter("client", "Ip.FragCreates")
    lab.expect(
        "no datagram is larger than a packet",
        fragments == 0,
        expected="datagrams of at most 1100 bytes",
        seen=f"{fragments} fragments",
    )
    lab.expect(
        "the sender waits for each acknowledgement",
        passed >= 0.3,
        expected="at least three round trips of 0.1 s",
        seen=f"{passed:.2f} s",
    )
    lab.expect(
        "the receiver stays two seconds longer, to acknowledge repetitions",
        1.8 <= stayed <= 2.5,
        expected="2 s",
        seen=f"{stayed:.2f} s",
    )


@case(
    "the first datagram and the second acknowledgement die",
    catches=("no-retransmit", "no-dedupe"),
    question="What does the receiver see when it was the acknowledgement that died?",
)
def chosen_losses(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(drop=(1,)))
    lab.shape("server", Link(drop=(2,)))
    transfer(lab, submission, letters(lab, lab.random.randint(2100, 2900)))


@case(
    "three of ten packets die, on either way, and all of them for three seconds",
    catches=("no-retransmit",),
    question="How often may a block have to be sent?",
)
def random_losses(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(loss=0.3, delay=0.01))
    lab.shape("server", Link(loss=0.3, delay=0.01))
    transfer(lab, submission, letters(lab, 9500), cut=0.5)


@case(
    "packets are doubled, and arrive out of order and late",
    catches=("no-dedupe", "any-acknowledgement"),
    question="To which block does an acknowledgement belong that comes late?",
)
def disorder(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(delay=0.3, jitter=0.28, duplicate=0.3))
    lab.shape("server", Link(delay=0.3, jitter=0.28, duplicate=0.3))
    transfer(lab, submission, letters(lab, 9500))


@case(
    "an empty input, and the first acknowledgement dies",
    catches=("no-linger", "empty-hangs"),
    question="Who tells the sender that the end has arrived, if that message is lost?",
)
def empty(lab: Testbed, submission: Submission) -> None:
    lab.shape("server", Link(drop=(1,)))
    transfer(lab, submission, "")


@case(
    "nobody knows the host; then nobody receives",
    catches=("tries-for-ever",),
    question="When is it time to give up, and how does your caller learn of it?",
)
def nobody(lab: Testbed, submission: Submission) -> None:
    lab.shape("server", Link(loss=1.0))
    submission.start("client", "send", "nobody-here", PORT, input=b"?").gives_up()
    before = lab.lab.counter("client", "Udp.OutDatagrams")
    began = lab.now()
    sender = submission.start("client", "send", "server", PORT, input=b"is anybody there?")
    passed = sender.gives_up(within=60.0).ended - began
    tries = lab.lab.counter("client", "Udp.OutDatagrams") - before
    lab.expect(
        "the sender tries 50 times, 0.2 s apart",
        tries == 50 and 9.5 <= passed <= 11.0,
        expected="50 datagrams, 10 s",
        seen=f"{tries} datagrams, {passed:.1f} s",
    )
