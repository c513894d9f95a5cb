"""Three ways of not being reached, told apart."""

from echolab.classroom import Link, Submission, Testbed, case

NOBODY = 250
"""Last number of an address that no host has."""


ELSEWHERE = "192.0.2.1"
"""An address of no network here (RFC 5737)."""


def free_address(lab: Testbed) -> str:
    network = lab.address("server").ip.rpartition(".")[0]
    return f"{network}.{NOBODY - lab.random.randint(0, 9)}"


@case(
    "somebody listens, on a slow link",
    catches=("impatient",),
    question="How long may the answer to a connection request take?",
)
def open_port(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", 7)
    delay = lab.random.randint(500, 900) / 1000
    lab.shape("client", Link(delay=delay))
    lab.shape("server", Link(delay=delay))
    client = submission.start("client", "server", 7)
    server.accept()
    client.succeeds("open\n")


@case(
    "the first connection request is lost, the second one is answered",
    catches=("impatient",),
    question="What does the kernel do when its first connection request is not answered?",
)
def lost_request(lab: Testbed, submission: Submission) -> None:
    server = lab.listen("server", 7)
    lab.shape("client", Link(drop=(1,)))
    client = submission.start("client", "server", 7)
    server.accept()
    client.succeeds("open\n")


@case(
    "nobody listens at the port",
    catches=("all-silent", "tries-again", "chatty"),
    question="Which packet comes back from a port where nobody listens?",
)
def closed_port(lab: Testbed, submission: Submission) -> None:
    lab.shape("client", Link(delay=0.1))
    lab.shape("server", Link(delay=0.1))
    port = lab.random.randint(2000, 60000)
    began = lab.now()
    before = lab.lab.counter("client", "Tcp.ActiveOpens")
    finished = submission.start("client", "server", port).succeeds("refused\n")
    tries = lab.lab.counter("client", "Tcp.ActiveOpens") - before
    lab.expect("the program tries once", tries == 1, expected="one try", seen=f"{tries} tries")
    lab.note("seconds-until-refused", round(finished.ended - began, 1))


@case(
    "a black hole: the host is there, its answers never come",
    catches=("no-timeout", "all-refused"),
    question="Who ends the waiting when nobody answers, and after how long?",
)
def black_hole(lab: Testbed, submission: Submission) -> None:
    lab.listen("server", 7)
    lab.shape("server", Link(loss=1.0))
    began = lab.now()
    finished = submission.start("client", "server", 7).succeeds("silent\n", within=20.0)
    passed = finished.ended - began
    lab.expect(
        "the program waits 5 seconds",
        4.9 <= passed <= 5.5,
        expected="5 s",
        seen=f"{passed:.1f} s",
    )
    lab.note("seconds-until-silent", round(passed, 1))


@case(
    "a dead host: nobody has that address; then an address that no way leads to",
    catches=("unreachable-silent", "all-refused"),
    question="Who tells the program that a host on its own network is not there?",
)
def dead_host(lab: Testbed, submission: Submission) -> None:
    began = lab.now()
    finished = submission.start("client", free_address(lab), 7).succeeds("unreachable\n")
    lab.note("seconds-until-unreachable", round(finished.ended - began, 1))
    submission.start("client", ELSEWHERE, 7).succeeds("unreachable\n")


@case(
    "a name that nobody knows",
    catches=("name-crashes",),
    question="What happens before the first packet leaves?",
)
def unknown_name(lab: Testbed, submission: Submission) -> None:
    submission.start("client", "nobody-here", 7).succeeds("unknown\n")
