"""Causal order: nobody sees an answer before the question, and nobody waits for anything else."""

import functools

from echolab.classroom import Client, Faults, History, Link, Submission, Testbed, case

PORT = 7000
NODES = ("one", "two", "three")
AT_ONCE = 0.1
DELAY = 0.01
SHOWN = 1.0
"""Seconds in which nodes that reach each other show a word for which nothing is missing."""

SETTLED = 3.0
"""Seconds after which every node shows every word, once the network is whole."""


def work(client: Client, nodes: list[str]) -> None:
    """Post a word at a node, or read what it shows."""
    node = client.random.choice(nodes)
    if client.random.random() < 0.6:
        word = f"{client.process}x{client.random.randrange(10**6)}"
        client.do(
            "post", functools.partial(client.text, node, PORT, f"post {word}"), word, key=node
        )
    else:
        client.do("read", functools.partial(client.text, node, PORT, "read"), key=node)


class Asker:
    """A client that the case plays itself, one request after the other."""

    def __init__(self, lab: Testbed) -> None:
        self._lab = lab
        self._socket = lab.datagrams("clients")
        self._count = 0

    def ask(self, node: str, words: str) -> str:
        """The answer to a request, without its ID."""
        self._count += 1
        name = f"x-{self._count}"
        self._socket.send(f"{name} {words}".encode(), (self._lab.address(node).ip, PORT))
        data, _ = self._socket.receive(within=AT_ONCE)
        first, _, rest = data.decode(errors="replace").rstrip("\r\n").partition(" ")
        if first != name:
            self._lab.fail("the answer begins with the client's ID", expected=name, seen=first)
        return rest

    def post(self, node: str, word: str) -> None:
        """Expect that a node takes a word."""
        seen = self.ask(node, f"post {word}")
        self._lab.expect(f"{node} takes the word {word}", seen == "ok", expected="ok", seen=seen)

    def expect(self, node: str, *shown: str, within: float = 0.0) -> None:
        """Expect that a node shows these words, in this order, and no other."""
        until = self._lab.now() + within
        while (seen := self.ask(node, "read").split()) != list(shown) and self._lab.now() < until:
            self._lab.sleep(0.05)
        self._lab.expect(
            f"{node} shows {' '.join(shown) or 'nothing'}",
            seen == list(shown),
            expected=" ".join(shown) or "nothing",
            seen=" ".join(seen) or "nothing",
        )


def start(lab: Testbed, submission: Submission) -> None:
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
        peers = [peer for peer in NODES if peer != name]
        submission.serve(name, name, PORT, *peers, port=PORT)


def words_of(lab: Testbed, count: int) -> list[str]:
    """Different words, in an order that is not that of the alphabet."""
    return [
        f"{lab.random.choice('abcxyz')}{number}" for number in lab.random.sample(range(99), count)
    ]


def expect_shown(lab: Testbed, history: History, shown: dict[str, list[str]]) -> None:
    """Expect that every node shows every word, once."""
    posts = [one for one in history if one.function == "post"]
    asked = {str(one.argument) for one in posts}
    sure = {str(one.argument) for one in posts if one.outcome == "ok"}
    for name, words in shown.items():
        for text, wrong in (
            ("a node shows no word that nobody posted", set(words) - asked),
            ("a node shows each word once", {word for word in words if words.count(word) > 1}),
            ("every node shows every word that was answered with ok", sure - set(words)),
            ("every node shows what another one shows", set(shown[NODES[0]]) - set(words)),
        ):
            if wrong:
                lab.fail(
                    text,
                    expected=f"{len(sure)} words on each node, {SETTLED:g} s later",
                    seen=f"{name} shows {len(words)} words; {', '.join(sorted(wrong)[:3])}",
                )


def expect_order(lab: Testbed, history: History, shown: dict[str, list[str]]) -> None:
    """Expect that what a node showed when a word was posted there comes first everywhere."""
    for one in history:
        if one.function != "post" or one.argument not in shown[str(one.key)]:
            continue
        own = shown[str(one.key)]
        before = own[: own.index(str(one.argument))]
        for name, words in shown.items():
            place = words.index(str(one.argument))
            early = [word for word in before if words.index(word) > place]
            if early:
                lab.fail(
                    "what a node showed when a word was posted there stands before it everywhere",
                    expected=f"{early[0]} before {one.argument}, as on {one.key}",
                    seen=f"{one.argument} before {early[0]} on {name}",
                )
    lab.step("what a node showed when a word was posted there stands before it everywhere: yes")


def expect_growth(lab: Testbed, history: History, shown: dict[str, list[str]]) -> None:
    """Expect that each read was the beginning of what the node shows now."""
    for one in history:
        if one.function == "read" and one.outcome == "ok":
            seen = str(one.result).split()
            if seen != shown[str(one.key)][: len(seen)]:
                lab.fail(
                    f"what {one.key} shows only grows at its end",
                    expected=f"now it begins with what it showed at {one.invoked:.3f} s",
                    seen=f"then {' '.join(seen)}; now {' '.join(shown[str(one.key)])}",
                )
    lab.step("what a node shows only grows at its end: yes")


@case(
    "one node alone shows its own words at once, in their order",
    catches=("shows-when-all-know", "sorts-by-alphabet", "keeps-asking"),
    question="For which words must a node wait before it shows its own?",
)
def alone(lab: Testbed, submission: Submission) -> None:
    node = submission.start("one", "one", PORT, *NODES[1:])
    lab.wait_for_port("one", PORT, "udp")
    client = Asker(lab)
    client.expect("one")
    words = sorted(words_of(lab, 3), reverse=True)
    for number, word in enumerate(words, 1):
        client.post("one", word)
        client.expect("one", *words[:number])
    node.waits(2.0)


@case(
    "an answer reaches three before the question does",
    catches=("shows-at-once", "orders-each-sender", "counts-what-it-hears", "waits-too-little"),
    question="What must the answer say so that three can tell that something is missing?",
)
def answer_first(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    lab.shape("one", Link(delay=DELAY, toward="two"), Link(delay=0.8, toward="three"))
    client = Asker(lab)
    early, question, answer, thanks = words_of(lab, 4)
    client.post("two", early)
    for name in NODES:
        client.expect(name, early, within=SHOWN)
    client.post("one", question)
    client.expect("two", early, question, within=SHOWN)
    client.post("two", answer)
    client.post("two", thanks)
    lab.sleep(0.4)
    lab.note("answers-on-three", len(client.ask("three", "read").split()) - 1)
    lab.shape("one", Link(delay=DELAY))
    client.expect("one", early, question, answer, thanks, within=SHOWN)
    client.expect("three", early, question, answer, thanks, within=SETTLED)


@case(
    "one is cut off; the others post, and see each other's words",
    catches=("waits-for-everybody", "sorts-by-clock"),
    question="Which words has a node of which a new one does not depend?",
)
def apart(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    lab.lab.partition(("one",), NODES[1:])
    lab.step("one is cut off from the other nodes")
    client = Asker(lab)
    far, first, second = words_of(lab, 3)
    client.post("one", far)
    client.expect("one", far)
    client.post("two", first)
    client.expect("three", first, within=SHOWN)
    client.post("three", second)
    client.expect("two", first, second, within=SHOWN)
    client.expect("one", far)
    lab.lab.heal()
    lab.step("one is back")
    client.expect("one", far, first, second, within=SETTLED)
    client.expect("two", first, second, far, within=SETTLED)
    client.expect("three", first, second, far, within=SETTLED)
    same = client.ask("one", "read") == client.ask("two", "read")
    lab.note("concurrent-order", "the same everywhere" if same else "different")


@case(
    "nodes are cut off, slow or stand still; datagrams are lost, overtake each other, come twice",
    catches=("no-retransmit", "twice", "sorts-by-clock", "shows-at-once"),
    question="What tells a node that it has shown a word already, and which comes next?",
    schedules=(
        "slow one by 0.5 at 0 for 0.4; slow two by 0.2 at 0.4 for 0.6",
        "partition one at 0.1 for 0.6",
        "lose one by 0.5 at 0 for 1; lose two by 0.5 at 0 for 1; lose three by 0.5 at 0 for 1",
        "duplicate one by 1 at 0 for 1; duplicate three by 1 at 0 for 1; pause two at 0.3 for 0.4",
        "partition three at 0 for 0.3; partition two at 0.3 for 0.5; slow one by 0.2 at 0 for 0.5",
    ),
    faults=Faults(partition=2, lose=1, slow=2, pause=1, hosts=NODES, within=1, longest=1),
    draws=2,
)
def faults(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    history = lab.workload(
        work,
        hosts="clients",
        clients=4,
        operations=12,
        interval=0.06,
        timeout=AT_ONCE,
        name="posts and reads",
        arguments={"nodes": list(NODES)},
        apart=NODES,
    )
    lab.sleep(SETTLED)
    client = Asker(lab)
    shown = {name: client.ask(name, "read").split() for name in NODES}
    expect_shown(lab, history, shown)
    expect_order(lab, history, shown)
    expect_growth(lab, history, shown)
