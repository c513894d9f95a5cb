"""The datagram client: every answer that it can get, and no false one."""

from echolab.classroom import Link, Submission, Testbed, case

PORT = 7
SENTENCE = b"Wir erschrecken zu guten Zwecken!"


def request(number: int) -> bytes:
    return b"%d %s" % (number, SENTENCE)


@case(
    "the server answers every datagram; then nobody knows the host",
    catches=("wrong-format", "one-digit"),
    question="Which bytes are in your datagram?",
)
def answered(lab: Testbed, submission: Submission) -> None:
    server = lab.datagrams("server", PORT)
    count = lab.random.randint(10, 13)
    client = submission.start("client", "server", PORT, count)
    for number in range(1, count + 1):
        sender = server.expect(request(number))
        server.send(request(number), sender)
    client.succeeds("".join(f"{number} answered\n" for number in range(1, count + 1)))
    submission.start("client", "nobody-here", PORT, 1).gives_up()


@case(
    "the first two datagrams die on their way",
    catches=("no-timeout", "no-retry"),
    question="Who notices that a datagram was lost, and how?",
)
def lost_requests(lab: Testbed, submission: Submission) -> None:
    server = lab.datagrams("server", PORT)
    lab.shape("client", Link(drop=(1, 2)))
    client = submission.start("client", "server", PORT, 1)
    sender = server.expect(request(1), within=3.0)
    lab.sleep(0.1)
    server.send(request(1), sender)
    client.succeeds("1 answered\n")
    lab.note("datagrams-at-the-server", 1 + server.waiting())


@case(
    "the server never answers number 1, then answers number 2",
    catches=("gives-up", "impatient"),
    question="How often do you ask, how long do you wait each time, and what comes after that?",
)
def never(lab: Testbed, submission: Submission) -> None:
    server = lab.datagrams("server", PORT)
    client = submission.start("client", "server", PORT, 2)
    server.expect(request(1))
    first = lab.now()
    for _ in range(3):
        asked = lab.now()
        server.expect(request(1), within=1.0)
        waited = lab.now() - asked
        lab.expect(
            "the client waits half a second before it asks again",
            0.49 <= waited <= 0.55,
            expected="0.5 s",
            seen=f"{waited:.2f} s",
        )
    sender = server.expect(request(2), within=1.0)
    lab.note("seconds-until-lost", round(lab.now() - first, 1))
    server.send(request(2), sender)
    client.succeeds("1 lost\n2 answered\n")


@case(
    "the answer to number 1 comes twice, the first datagram of number 2 gets none",
    catches=("takes-any",),
    question="How do you know which request an answer belongs to?",
)
def duplicate(lab: Testbed, submission: Submission) -> None:
    server = lab.datagrams("server", PORT)
    client = submission.start("client", "server", PORT, 2)
    sender = server.expect(request(1))
    server.send(request(1), sender)
    server.send(request(1), sender)
    server.expect(request(2))
    sender = server.expect(request(2), within=1.0)
    server.send(request(2), sender)
    client.succeeds("1 answered\n2 answered\n")


@case(
    "late answers to number 1 keep arriving while number 2 waits",
    catches=("timer-restarts",),
    question="Until when do you wait, if what arrives is not what you wait for?",
)
def late(lab: Testbed, submission: Submission) -> None:
    server = lab.datagrams("server", PORT)
    client = submission.start("client", "server", PORT, 2)
    sender = server.expect(request(1))
    server.send(request(1), sender)
    sender = server.expect(request(2))
    asked = lab.now()
    for _ in range(2):
        lab.sleep(0.2)
        server.send(request(1), sender)
    sender = server.expect(request(2), within=0.2)
    waited = lab.now() - asked
    lab.expect(
        "the client asks again after half a second, whatever else arrives",
        0.49 <= waited <= 0.55,
        expected="0.5 s",
        seen=f"{waited:.2f} s",
    )
    server.send(request(2), sender)
    client.succeeds("1 answered\n2 answered\n")


@case(
    "strangers send the right answer, the server wrong ones, before the right one",
    catches=(
        "any-sender",
        "prefix",
        "port-alone",
        "host-alone",
        "number-alone",
        "cuts",
        "suffix",
        "trims",
    ),
    question="What tells you who sent a datagram, and which request it answers?",
)
def stranger(lab: Testbed, submission: Submission) -> None:
    server = lab.datagrams("server", PORT)
    other = lab.datagrams("server", lab.random.randint(2000, 9000))
    client = submission.start("client", "server", PORT, 1)
    sender = server.expect(request(1))
    elsewhere = lab.datagrams("client", PORT)
    elsewhere.send(request(1), sender)
    other.send(request(1), sender)
    altered = (b"1" + request(1), request(1) + b"!", request(1) + b"\n", request(1)[:-1])
    for wrong in (request(10), *altered, b"1", b"1 " + SENTENCE.upper()):
        server.send(wrong, sender)
    sender = server.expect(request(1), within=1.0)
    server.send(request(1), sender)
    client.succeeds("1 answered\n")


@case(
    "nobody serves the port, and the server's kernel says so",
    catches=("refused-crashes", "refused-at-once"),
    question="What does your program learn of a port that nobody serves, and what may it do then?",
)
def refused(lab: Testbed, submission: Submission) -> None:
    began = lab.now()
    finished = submission.start("client", "server", PORT, 2).succeeds("1 lost\n2 lost\n")
    passed = finished.ended - began
    lab.expect(
        "the client waits four times half a second for each number",
        3.9 <= passed <= 4.5,
        expected="4 s",
        seen=f"{passed:.2f} s",
    )
