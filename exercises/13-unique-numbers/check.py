"""Unique numbers: each node gives them out alone, and no number comes twice, whatever fails."""

from echolab.classroom import Client, Faults, History, Link, Submission, Testbed, case

PORT = 7000
NODES = ("one", "two", "three")
AT_ONCE = 0.1
LARGEST = 2**63 - 1
LONGEST = 19
"""Digits of the largest number."""


def ask(client: Client, node: str) -> None:
    """Ask a node for a number; it has no second time to answer."""
    client.do("next", lambda: client.text(node, PORT, "next"), node)


def ask_any(client: Client) -> None:
    """Ask any node for a number."""
    ask(client, client.random.choice(NODES))


def ask_one(client: Client) -> None:
    """Ask the first node for a number."""
    ask(client, "one")


def start(lab: Testbed, submission: Submission) -> None:
    for name in NODES:
        lab.shape(name, Link(delay=0.005))
        peers = [peer for peer in NODES if peer != name]
        submission.serve(name, name, PORT, *peers, port=PORT)


def expect_numbers(lab: Testbed, history: History) -> None:
    """Expect numbers alone, of which none came twice."""
    seen: dict[int, str] = {}
    for one in history:
        if one.outcome != "ok":
            continue
        text = str(one.result)
        number = int(text) if is_number(text) else -1
        if not 0 <= number <= LARGEST:
            lab.fail(
                "what a node gives out is a number",
                expected=f"decimal digits, from 0 to {LARGEST}",
                seen=text,
            )
        told = f"{one.argument} at {one.invoked:.3f} s"
        if number in seen:
            lab.fail(
                "no number is given out twice",
                expected="each number once",
                seen=f"{number} by {seen[number]} and by {told}",
            )
        seen[number] = told
    lab.step(f"{len(seen)} numbers, all different")


def is_number(text: str) -> bool:
    """Whether a text has digits alone, and not too many of them."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST


def expect_answers(lab: Testbed, history: History) -> None:
    """Expect that everything was answered: no fault befalls the way from clients to nodes."""
    silent = [f"{one.argument} at {one.invoked:.3f} s" for one in history if one.outcome != "ok"]
    lab.expect(
        f"a node answers within {AT_ONCE:g} s",
        not silent,
        expected=f"{len(history)} answers",
        seen=f"{len(history) - len(silent)}; none from {', '.join(silent[:3])}",
    )


@case(
    "one node alone answers at once; the others are not there",
    catches=("asks-a-leader", "waits-for-peers", "without-id", "text-in-front", "long-numbers"),
    question="Whom must a node ask to know that nobody has its number?",
)
def alone(lab: Testbed, submission: Submission) -> None:
    submission.serve("one", "one", PORT, "two", "three", port=PORT)
    client = lab.datagrams("clients")
    for number in range(3):
        name = f"{lab.random.choice('abc')}-{number}{lab.random.randint(0, 9999)}"
        client.send(f"{name} next".encode(), (lab.address("one").ip, PORT))
        answer, _ = client.receive(within=AT_ONCE)
        first = answer.decode(errors="replace").split(" ")[0]
        lab.expect(
            "the answer begins with the client's ID", first == name, expected=name, seen=first
        )
    history = lab.workload(
        ask_one, hosts="clients", clients=2, operations=20, interval=0.02, timeout=AT_ONCE
    )
    expect_answers(lab, history)
    expect_numbers(lab, history)


@case(
    "many clients ask three nodes at once; the nodes talk to nobody else",
    catches=(
        "same-on-each",
        "seconds",
        "few-at-random",
        "length-of-name",
        "asks-a-leader",
        "tells-its-peers",
    ),
    question="What does a node have that no other node has?",
)
def together(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    lab.sleep(0.5)
    witnesses = {name: lab.watch(name) for name in NODES}
    history = lab.workload(
        ask_any, hosts="clients", clients=6, operations=40, interval=0.01, timeout=AT_ONCE
    )
    sent = {name: len([one for one in seen.seen() if one.sent]) for name, seen in witnesses.items()}
    asked = {name: sum(one.argument == name for one in history) for name in NODES}
    lab.note("datagrams-for-a-number", round(sum(sent.values()) / len(history), 1))
    expect_answers(lab, history)
    lab.note("digits-of-the-longest", max(len(str(one.result)) for one in history))
    expect_numbers(lab, history)
    lab.expect(
        "a node sends its answers and nothing else",
        sent == asked,
        expected=", ".join(f"{name} sends {count} datagrams" for name, count in asked.items()),
        seen=", ".join(f"{name} sends {count}" for name, count in sent.items()),
    )


@case(
    "hosts lose their power and come back, pause, and are cut off; datagrams come twice",
    catches=("forgets", "writes-late", "seconds-of-start"),
    question="What does a node still know of the numbers that it gave out before it was started?",
    schedules=(
        "kill one at 0.3 for 0.3",
        "kill two at 0.2 for 0.1; kill two at 0.6 for 0.1",
        "kill one at 0.4 for 0.1; kill two at 0.4 for 0.1; kill three at 0.4 for 0.1",
        "partition three at 0.1 for 1; kill three at 0.5 for 0.2",
        "duplicate one by 1 at 0 for 1; pause two at 0.3 for 0.4",
    ),
    faults=Faults(kill=3, pause=1, partition=1, duplicate=1, hosts=NODES, within=1, longest=1),
    draws=3,
)
def faults(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    history = lab.workload(
        ask_any, hosts="clients", clients=4, operations=30, interval=0.04, timeout=AT_ONCE
    )
    expect_numbers(lab, history)
    history += lab.workload(
        ask_any, hosts="clients", clients=2, operations=20, interval=0.02, faults=False, name="then"
    )
    expect_numbers(lab, history)
