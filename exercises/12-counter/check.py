"""One counter on three nodes: always available, and in the end the same everywhere."""

from echolab.classroom import Link, Stream, Submission, Testbed, case

PORT = 7000
NODES = ("one", "two", "three")
ABSENT = "four"
AGREEMENT = 5.0


def start(lab: Testbed, submission: Submission, *names: str) -> None:
    for name in names:
        peers = [peer for peer in NODES if peer != name]
        submission.start(name, name, PORT, *peers)
    for name in names:
        lab.wait_for_port(name, PORT)


def clients(lab: Testbed, *names: str) -> dict[str, Stream]:
    """A client on each node's own host, which no partition cuts off."""
    return {name: lab.connect(name, "127.0.0.1", PORT) for name in names}


def add(client: Stream, amount: int) -> None:
    client.send(b"add %d\n" % amount)
    client.expect(b"ok\n", within=1.0)


def reads(client: Stream) -> int | str:
    client.send(b"read\n")
    line = client.receive_line(within=1.0).decode(errors="replace").strip()
    return int(line) if line.isdecimal() else line


def agree(lab: Testbed, nodes: dict[str, Stream], total: int) -> float:
    """Expect that every node reads the total in time; the seconds that it took."""
    began = lab.now()
    while True:
        values = {name: reads(client) for name, client in nodes.items()}
        passed = lab.now() - began
        if set(values.values()) == {total} or passed >= AGREEMENT:
            break
        lab.sleep(0.5)
    lab.expect(
        "every node reads the sum of all that was added",
        set(values.values()) == {total},
        expected=f"{total} on every node within {AGREEMENT:g} s",
        seen=", ".join(f"{name} reads {value}" for name, value in values.items()),
    )
    return passed


def many_at_once(lab: Testbed, client: Stream, total: int) -> list[int]:
    """Send lines of many lengths at once, the last in two pieces; what was added."""
    added, lines, answers = [], [], []
    for _ in range(100):
        if lab.random.random() < 0.5:
            added.append(10 ** lab.random.randint(0, 3))
            lines.append(b"add %d\n" % added[-1])
            answers.append(b"ok\n")
        else:
            lines.append(b"read\n")
            answers.append(b"%d\n" % (total + sum(added)))
    client.send(b"".join([*lines, b"re"]))
    lab.sleep(0.1)
    client.send(b"ad\n")
    client.expect(b"".join([*answers, b"%d\n" % (total + sum(added))]), within=1.0)
    return added


def cut(lab: Testbed, name: str) -> None:
    for other in NODES:
        lab.shape(other, Link(loss=1.0) if other == name else Link(loss=1.0, toward=name))


def heal(lab: Testbed) -> None:
    for name in NODES:
        lab.clear(name)


@case(
    "one node alone, clients come and go; then it is stopped and started again at once",
    catches=(
        "waits-for-peers",
        "dies-on-reset",
        "keeps-asking",
        "line-per-recv",
        "never-closes",
        "no-reuse",
        "one-address",
        "one-client",
        "dies-on-unknown",
    ),
    question="Whom must a node ask before it may answer?",
)
def alone(lab: Testbed, submission: Submission) -> None:
    node = submission.start("one", "one", PORT, "two", ABSENT)
    lab.wait_for_port("one", PORT)
    lab.sleep(0.5)
    early, client = (clients(lab, "one")["one"] for _ in range(2))
    lab.sleep(0.1)
    client.send(b"add ")
    early.close()
    lab.sleep(0.1)
    amounts = [lab.random.randint(1, 1000) for _ in range(4)]
    client.send(b"%d\n" % amounts[0])
    client.expect(b"ok\n", within=1.0)
    client.send(b"read\n" * 2)
    client.expect(b"%d\n" % amounts[0] * 2, within=1.0)
    client.send(b"add 12")
    lab.sleep(0.1)
    client.send(b"3\n")
    client.expect(b"ok\n", within=1.0)
    amounts.append(123)
    for amount in amounts[1:4]:
        add(client, amount)
    amounts += many_at_once(lab, client, sum(amounts))
    client.send(b"add 1000\nadd 1\nread\n")
    amounts += [1000, 1]
    client.expect(b"ok\nok\n%d\n" % sum(amounts), within=1.0)
    seen = reads(client)
    lab.expect("the node counts alone", seen == sum(amounts), expected=sum(amounts), seen=seen)
    rude = clients(lab, "one")["one"]
    lab.sleep(0.1)
    rude.reset()
    for line in (b"read\n", b"add 1\n"):
        hasty = clients(lab, "one")["one"]
        hasty.send(line * 3 + b"add 5")
        hasty.close()
        lab.sleep(0.3)
    late = lab.connect("two", "one", PORT)
    seen, least = reads(late), sum(amounts)
    lab.expect(
        "the node counts on",
        seen in range(least, least + 4),
        expected=f"{least}, or up to 3 more that were not confirmed",
        seen=seen,
    )
    client.finish()
    client.expect_end()
    node.stop()
    late.expect_end()
    late.close()
    start(lab, submission, "one")


@case(
    "three nodes count at the same time, one starts later",
    catches=("deltas-once", "total-wins"),
    question="What must a node send so that another can take it in at any time?",
)
def together(lab: Testbed, submission: Submission) -> None:
    start(lab, submission, "one", "two")
    nodes = clients(lab, "one", "two")
    total = 0
    for _ in range(2):
        for client in nodes.values():
            amount = lab.random.randint(1, 1000)
            add(client, amount)
            total += amount
    start(lab, submission, "three")
    nodes |= clients(lab, "three")
    add(nodes["three"], 7)
    agree(lab, nodes, total + 7)


@case(
    "a node is cut off, then every node; all go on counting; the cuts heal",
    catches=("deltas-once", "waits-for-peers", "total-wins"),
    question="What does each side know during the partition, and how is it put together after?",
)
def partition(lab: Testbed, submission: Submission) -> None:
    start(lab, submission, *NODES)
    nodes = clients(lab, *NODES)
    lab.sleep(1.0)
    agree(lab, nodes, 0)
    cut(lab, "three")
    for name, amount in (("one", 10), ("two", 20), ("three", 40)):
        add(nodes[name], amount)
    lab.sleep(3.0)
    seen = reads(nodes["three"])
    lab.note("read-during-partition", seen)
    lab.expect("the node that is cut off knows its own", seen == 40, expected=40, seen=seen)
    extra = lab.random.randint(1, 1000)
    add(nodes["three"], extra)
    for name in NODES:
        lab.shape(name, Link(loss=1.0))
    for client in nodes.values():
        add(client, 1)
    heal(lab)
    lab.note("seconds-until-agreement", round(agree(lab, nodes, 73 + extra), 1))


@case(
    "packets are lost, doubled and out of order; then nothing gets through for a while",
    catches=("counts-twice",),
    question="What happens when a node hears the same news twice?",
)
def disorder(lab: Testbed, submission: Submission) -> None:
    start(lab, submission, *NODES)
    for name in NODES:
        lab.shape(name, Link(delay=0.1, jitter=0.09, duplicate=0.5, loss=0.3))
    nodes = clients(lab, *NODES)
    total = 0
    for _ in range(3):
        for client in nodes.values():
            amount = lab.random.randint(1, 1000)
            add(client, amount)
            total += amount
        lab.sleep(0.2)
    for name in NODES:
        lab.shape(name, Link(loss=1.0))
    lab.sleep(1.5)
    heal(lab)
    for _ in range(2):
        lab.sleep(AGREEMENT)
        values = {name: reads(client) for name, client in nodes.items()}
        lab.expect(
            "every node reads the sum of all without being asked before",
            set(values.values()) == {total},
            expected=f"{total} on every node after {AGREEMENT:g} s",
            seen=", ".join(f"{name} reads {value}" for name, value in values.items()),
        )
