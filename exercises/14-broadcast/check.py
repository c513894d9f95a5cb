"""Broadcast: every node learns every word, through partitions and losses, by few datagrams."""

import functools

from echolab.classroom import Client, Faults, History, Link, Submission, Testbed, case

PORT = 7000
NODES = ("one", "two", "three", "four")
AT_ONCE = 0.1
SETTLED = 3.0
"""Seconds after which every node knows every word, once the network is whole."""

MOST_FOR_A_WORD = 8.0
MOST_A_SECOND = 10.0
"""Datagrams: between the nodes for each word, and from one of them to one that is silent."""


def add(client: Client, nodes: list[str]) -> None:
    """Tell a node a word that nobody else tells."""
    word = f"{client.process}x{client.random.randrange(10**6)}"
    node = client.random.choice(nodes)
    client.do("add", lambda: client.text(node, PORT, f"add {word}"), word, key=node)


def read(client: Client, nodes: list[str]) -> None:
    """Ask each node once which words it knows."""
    for node in nodes:
        ask = functools.partial(client.text, node, PORT, "read")
        client.do("read", ask, node, key=node)


def start(lab: Testbed, submission: Submission, *names: str) -> None:
    for name in names:
        lab.shape(name, Link(delay=0.01))
        peers = [peer for peer in NODES if peer != name]
        submission.serve(name, name, PORT, *peers, port=PORT)


def adds(lab: Testbed, *nodes: str, operations: int, interval: float = 0.05) -> History:
    """Have three clients tell these nodes words."""
    return lab.workload(
        add,
        hosts="clients",
        clients=3,
        operations=operations,
        interval=interval,
        timeout=AT_ONCE,
        name=f"words for {', '.join(nodes)}",
        arguments={"nodes": list(nodes)},
        apart=NODES,
    )


def expect_answers(lab: Testbed, history: History) -> None:
    """Expect that each word was answered with ok, and in time."""
    for one in history:
        if one.outcome != "ok" or one.result != "ok":
            lab.fail(
                f"a node answers within {AT_ONCE:g} s, and with ok",
                expected="ok",
                seen=f"{one.result or 'nothing'} from {one.key} at {one.invoked:.3f} s",
            )
    lab.step(f"{len(history)} words were answered with ok")


def expect_words(lab: Testbed, history: History, *nodes: str) -> None:
    """Expect that every node tells every word that was answered, once, and no other."""
    reads = lab.workload(
        read,
        hosts="clients",
        clients=1,
        operations=1,
        timeout=1.0,
        name="what each node knows",
        faults=False,
        arguments={"nodes": list(nodes)},
    )
    told = {one.argument: str(one.result or "").split() for one in reads if one.outcome == "ok"}
    silent = [name for name in nodes if name not in told]
    if silent:
        lab.fail("each node tells its words", expected="an answer", seen=f"none of {silent[0]}")
    sure = {one.argument for one in history if one.outcome == "ok"}
    asked = {one.argument for one in history}
    for name, words in told.items():
        known = set(words)
        twice = [word for word in words if words.count(word) > 1]
        for text, wrong in (
            ("a node tells no word that nobody said", known - asked),
            ("a node tells each word once", set(twice)),
            ("every node knows every word that was answered with ok", sure - known),
            ("every node knows what another one knows", set(told[nodes[0]]) - known),
        ):
            if wrong:
                lab.fail(
                    text,
                    expected=f"{len(sure)} words on each node, {SETTLED:g} s later",
                    seen=f"{name} has {len(known)} words; {', '.join(sorted(map(str, wrong))[:3])}",
                )
    lab.step(f"every node tells the same {len(sure)} words or more")


@case(
    "one node alone answers at once; the others are not there",
    catches=("waits-for-peers", "twice", "answers-when-all-know", "keeps-asking"),
    question="Which of its words may a node tell before the others know them?",
)
def alone(lab: Testbed, submission: Submission) -> None:
    node = submission.start("one", "one", PORT, *NODES[1:])
    lab.wait_for_port("one", PORT, "udp")
    client = lab.datagrams("clients")
    word = f"w{lab.random.randint(0, 9999)}"
    for request, answer in (
        ("a-1 read", "a-1"),
        (f"b-2 add {word}", "b-2 ok"),
        (f"b-3 add {word}", "b-3 ok"),
        ("a-4 read", f"a-4 {word}"),
    ):
        client.send(request.encode(), (lab.address("one").ip, PORT))
        data, _ = client.receive(within=AT_ONCE)
        seen = data.decode(errors="replace").strip()
        lab.expect(f"the answer to '{request}'", seen == answer, expected=answer, seen=seen)
    node.waits(2.0)


@case(
    "clients tell four nodes words; nothing is lost, and then all is quiet",
    catches=("floods", "gossips-for-ever"),
    question="Which node sends what to which, and which of these could be left out?",
)
def economy(lab: Testbed, submission: Submission) -> None:
    start(lab, submission, *NODES)
    lab.sleep(1.0)
    witnesses = [lab.watch(name) for name in NODES]
    history = adds(lab, *NODES, operations=10)
    expect_answers(lab, history)
    lab.sleep(1.0)
    sent = sum(one.sent for witness in witnesses for one in witness.seen()) - len(history)
    lab.note("datagrams-for-a-word", round(sent / len(history), 1))
    lab.sleep(2.0)
    late = sum(one.sent for witness in witnesses for one in witness.seen())
    streams = sum(lab.lab.counter(name, "Tcp.OutSegs") for name in NODES)
    lab.expect("the nodes use datagrams alone", streams == 0, expected="no stream", seen=streams)
    expect_words(lab, history, *NODES)
    lab.expect(
        f"at most {MOST_FOR_A_WORD:g} datagrams between the nodes for each word",
        sent <= MOST_FOR_A_WORD * len(history),
        expected=f"at most {MOST_FOR_A_WORD * len(history):g} for {len(history)} words",
        seen=f"{sent}",
    )
    lab.expect(
        "a second after all know every word, nobody sends anything",
        late == 0,
        expected="no datagram in two seconds",
        seen=f"{late}",
    )


@case(
    "a node starts later than the others, who have learned many words meanwhile",
    catches=("resends-each-word", "answers-when-all-know", "gives-up"),
    question="How many datagrams does it take to tell a node ten words that it missed?",
)
def patience(lab: Testbed, submission: Submission) -> None:
    start(lab, submission, *NODES[:3])
    history = adds(lab, "one", operations=10)
    expect_answers(lab, history)
    lab.sleep(1.0)
    witness = lab.watch("one")
    lab.sleep(5.0)
    sent = sum(one.sent for one in witness.seen())
    lab.note("datagrams-to-a-silent-node", round(sent / 5.0, 1))
    start(lab, submission, "four")
    lab.sleep(SETTLED)
    expect_words(lab, history, *NODES)
    lab.expect(
        f"a node sends a silent one at most {MOST_A_SECOND:g} datagrams a second",
        sent <= MOST_A_SECOND * 5.0,
        expected=f"at most {MOST_A_SECOND * 5.0:g} in 5 s",
        seen=f"{sent}",
    )


@case(
    "nodes are cut off, slow or stand still; datagrams are lost and come twice",
    catches=("no-retransmit", "one-answer-for-all", "twice-on-the-way"),
    question="From which node must a node have heard that it knows a word?",
    schedules=(
        "partition four at 0 for 0.8",
        "partition one, two at 0.2 for 0.5",
        "lose one by 0.9 at 0 for 1; lose two by 0.5 at 0 for 1",
        "duplicate one by 1 at 0 for 1; duplicate two by 1 at 0 for 1; slow one by 0.2 at 0 for 1",
        "pause three at 0.1 for 0.5; partition two at 0.4 for 1.5",
    ),
    faults=Faults(partition=2, lose=1, slow=1, pause=1, hosts=NODES, within=1, longest=2),
    draws=2,
)
def faults(lab: Testbed, submission: Submission) -> None:
    start(lab, submission, *NODES)
    history = adds(lab, *NODES, operations=8)
    lab.sleep(SETTLED)
    expect_words(lab, history, *NODES)
