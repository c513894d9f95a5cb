"""Leader election: at most one leader in each term, and soon one whenever a majority is there."""

import functools

from echolab.classroom import Client, Faults, History, Link, Submission, Testbed, case

PORT = 7000
NODES = ("one", "two", "three")
NOBODY = "none"
WITHIN = 0.1
DELAY, FAR = 0.01, 0.1
ELECTED = 2.0
"""Seconds in which a majority that can reach each other has a leader."""

SILENT = 1.0
SLACK = 0.2
"""Seconds without a majority after which a node names nobody, and what it may be late."""

ROUNDS = 12
"""How often the voter loses its power."""

DIGITS = 18
"""Digits of the largest term."""

Answer = tuple[str, int]
"""Whom a node follows, and its term."""


def work(client: Client, nodes: list[str]) -> None:
    """Ask a node whom it follows."""
    node = client.random.choice(nodes)
    client.do("who", functools.partial(client.text, node, PORT, "who"), key=node)


def parsed(lab: Testbed, node: str, text: str) -> Answer:
    """The leader and the term of an answer; ends the case if it has not just these."""
    leader, _, term = text.partition(" ")
    known = leader in (NOBODY, *NODES)
    if not known or not (term.isascii() and term.isdecimal() and len(term) <= DIGITS):
        lab.fail(
            "a node answers with the leader's name and a term",
            expected=f"a node's name or none, and a number of at most {DIGITS} digits",
            seen=f"{node} says '{text}'",
        )
    return leader, int(term)


class Watcher:
    """Asks nodes whom they follow, and holds each answer against all before."""

    def __init__(self, lab: Testbed) -> None:
        self._lab = lab
        self._socket = lab.datagrams("clients")
        self._count = 0
        self._leaders: dict[int, tuple[str, str]] = {}
        self._terms: dict[str, int] = {}

    def ask(self, node: str) -> Answer:
        """Whom a node follows, and its term."""
        self._count += 1
        name = f"x-{self._count}"
        self._socket.send(f"{name} who".encode(), (self._lab.address(node).ip, PORT))
        data, _ = self._socket.receive(within=WITHIN)
        first, _, rest = data.decode(errors="replace").rstrip("\r\n").partition(" ")
        if first != name:
            self._lab.fail("the answer begins with the client's ID", expected=name, seen=first)
        answer = parsed(self._lab, node, rest)
        self.hold(node, answer)
        return answer

    def hold(self, node: str, answer: Answer) -> None:
        """Expect that an answer agrees with all before."""
        leader, term = answer
        if term < self._terms.get(node, 0):
            self._lab.fail(
                "the term of a node never gets smaller",
                expected=f"at least {self._terms[node]}",
                seen=f"{node} says {term}",
            )
        self._terms[node] = term
        if leader == NOBODY:
            return
        first, source = self._leaders.setdefault(term, (leader, node))
        if first != leader:
            self._lab.fail(
                "each term has one leader",
                expected=f"in term {term} {first}, as {source} said",
                seen=f"{node} says {leader}",
            )

    def agreed(self, *nodes: str, above: int = -1, within: float = ELECTED) -> Answer:
        """Expect that these nodes soon name the same leader among them, in a term above that."""
        until = self._lab.now() + within
        while True:
            seen = {node: self.ask(node) for node in nodes}
            leader, term = seen[nodes[0]]
            if len(set(seen.values())) == 1 and leader in nodes and term > above:
                self._lab.step(f"{' and '.join(nodes)} follow {leader} in term {term}")
                return leader, term
            if self._lab.now() >= until:
                told = [f"{node} says '{name} {number}'" for node, (name, number) in seen.items()]
                wanted = f"one name, in one term within {within:g} s"
                if above >= 0:
                    wanted = f"one name, in one term above {above} within {within:g} s"
                self._lab.fail(
                    f"{' and '.join(nodes)} soon have one leader, who is one of them",
                    expected=wanted,
                    seen="; ".join(told),
                )
            self._lab.sleep(0.05)

    def stays(self, answer: Answer, *nodes: str, seconds: float) -> None:
        """Expect that these nodes go on to follow the same leader in the same term."""
        until = self._lab.now() + seconds
        while self._lab.now() < until:
            for node in nodes:
                seen = self.ask(node)
                if seen != answer:
                    self._lab.fail(
                        "a leader that reaches a majority stays the leader",
                        expected=f"{answer[0]} in term {answer[1]}",
                        seen=f"{node} says '{seen[0]} {seen[1]}'",
                    )
            self._lab.sleep(0.2)
        self._lab.step(f"{answer[0]} stays the leader for {seconds:g} s")

    def nobody(self, node: str) -> None:
        """Expect that a node names nobody."""
        leader, _ = self.ask(node)
        self._lab.expect(
            f"{node}, which reaches no majority, names nobody",
            leader == NOBODY,
            expected=NOBODY,
            seen=leader,
        )


def start(lab: Testbed, submission: Submission) -> None:
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
        peers = [peer for peer in NODES if peer != name]
        submission.serve(name, name, PORT, *peers, port=PORT)


def peers_of(name: str) -> list[str]:
    """The other two nodes."""
    return [peer for peer in NODES if peer != name]


def expect_terms(lab: Testbed, history: History) -> None:
    """Expect that terms never get smaller on a node, and that each has one leader."""
    done = [one for one in history if one.outcome == "ok"]
    leaders: dict[int, tuple[str, str]] = {}
    terms: dict[str, list[tuple[float, int]]] = {name: [] for name in NODES}
    for one in sorted(done, key=lambda one: one.completed or 0.0):
        node = str(one.key)
        leader, term = parsed(lab, node, str(one.result))
        before = [number for at, number in terms[node] if at < one.invoked]
        if before and term < max(before):
            lab.fail(
                "the term of a node never gets smaller",
                expected=f"at least {max(before)}",
                seen=f"{node} says {term} at {one.invoked:.3f} s",
            )
        terms[node].append((one.completed or 0.0, term))
        if leader == NOBODY:
            continue
        first, source = leaders.setdefault(term, (leader, node))
        if first != leader:
            lab.fail(
                "each term has one leader",
                expected=f"in term {term} {first}, as {source} said",
                seen=f"{node} says {leader} at {one.invoked:.3f} s",
            )
    lab.step(f"{len(leaders)} terms, each with one leader")


@case(
    "one node alone names nobody, and waits",
    catches=("elects-itself", "keeps-asking"),
    question="How many votes make a leader of three nodes, two of which are dead?",
)
def alone(lab: Testbed, submission: Submission) -> None:
    node = submission.start("one", "one", PORT, *peers_of("one"))
    lab.wait_for_port("one", PORT, "udp")
    watcher = Watcher(lab)
    for _ in range(6):
        watcher.nobody("one")
        lab.sleep(0.5)
    node.waits(2.0)


@case(
    "three nodes elect one, who stays, also when another one is started again",
    catches=("silent-leader", "forgets-term"),
    question="How does a node know that its leader is still there?",
)
def elect(lab: Testbed, submission: Submission) -> None:
    running = {}
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
        running[name] = submission.start(name, name, PORT, *peers_of(name))
    for name in NODES:
        lab.wait_for_port(name, PORT, "udp")
    watcher = Watcher(lab)
    first = watcher.agreed(*NODES)
    watcher.stays(first, *NODES, seconds=2.0)
    for _ in range(2):
        for name in NODES:
            running[name].stop()
        for name in NODES:
            running[name] = submission.start(name, name, PORT, *peers_of(name))
            lab.wait_for_port(name, PORT, "udp")
        first = watcher.agreed(*NODES, above=first[1] - 1)
    watcher.stays(first, *NODES, seconds=1.0)


@case(
    "the leader loses its power: the others elect one of them, and the old one follows",
    catches=("never-again", "same-wait", "keeps-vote"),
    question="Two nodes stand for election in the same moment. Who wins, and what then?",
)
def loss(lab: Testbed, submission: Submission) -> None:
    running = {}
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
        running[name] = submission.start(name, name, PORT, *peers_of(name))
        lab.wait_for_port(name, PORT, "udp")
    watcher = Watcher(lab)
    leader, term = watcher.agreed(*NODES)
    for number in range(3):
        running[leader].stop()
        began = lab.now()
        old = leader
        leader, term = watcher.agreed(*peers_of(old), above=term)
        if number == 0:
            lab.note("seconds-without-leader", round(lab.now() - began, 1))
        running[old] = submission.start(old, old, PORT, *peers_of(old))
        lab.wait_for_port(old, PORT, "udp")
        leader, term = watcher.agreed(*NODES, above=term - 1)
        watcher.stays((leader, term), *NODES, seconds=1.0)


@case(
    "the leader is cut off: the others elect one of them, and it finds out",
    catches=("keeps-leading",),
    question="How does a leader know that nobody follows it any more?",
)
def cut(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    watcher = Watcher(lab)
    old, term = watcher.agreed(*NODES)
    lab.lab.partition((old,), peers_of(old))
    lab.step(f"{old} is cut off from the other nodes")
    lab.sleep(SILENT + SLACK)
    watcher.nobody(old)
    new, later = watcher.agreed(*peers_of(old), above=term)
    watcher.stays((new, later), *peers_of(old), seconds=1.0)
    watcher.nobody(old)
    named = {watcher.ask(node)[0] for node in NODES} - {NOBODY}
    lab.note("leaders-while-cut-off", len(named))
    lab.lab.heal()
    lab.step(f"{old} is back")
    leader, term = watcher.agreed(*NODES, above=later - 1)
    watcher.stays((leader, term), *NODES, seconds=1.0)


@case(
    "one and three do not hear each other, and two, which elects them, is started again and again",
    catches=("forgets-vote", "votes-twice"),
    question="For whom did you vote before you lost your power, and in which term?",
)
def voter(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    watcher = Watcher(lab)
    for name, other in (("one", "three"), ("three", "one")):
        lab.shape(name, Link(delay=FAR, toward="two"), Link(loss=1.0, toward=other))
    lab.shape("two", Link(delay=FAR, toward="one"), Link(delay=FAR, toward="three"))
    lab.sleep(0.5)
    for _ in range(ROUNDS):
        pause = lab.now() + lab.random.uniform(0.2, 0.7)
        while lab.now() < pause:
            for name in NODES:
                watcher.ask(name)
            lab.sleep(0.05)
        lab.lab.kill("two")
        lab.step("two lost its power and is started again")
        lab.lab.restart("two")
        lab.wait_for_port("two", PORT, "udp")
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
    watcher.agreed(*NODES)


@case(
    "nodes lose their power, are cut off, slow or stand still; datagrams are lost and come twice",
    catches=("keeps-old-leader", "lowest-leads"),
    question="A vote for an earlier term arrives late. What does it count?",
    schedules=(
        "kill one at 0.5 for 0.3; kill two at 0.9 for 0.3; kill three at 1.3 for 0.3",
        "partition one at 0.4 for 1; partition two at 1.4 for 1; kill three at 1.6 for 0.2",
        "lose one by 0.5 at 0 for 2; lose two by 0.5 at 0 for 2; lose three by 0.5 at 0 for 2",
        "slow one by 0.5 at 0 for 2; slow two by 0.5 at 0.5 for 1; duplicate three by 1 at 0 for 2",
        "pause one at 0.5 for 1; pause two at 1 for 1; kill three at 1.2 for 0.3",
    ),
    faults=Faults(partition=2, kill=2, pause=1, slow=2, lose=1, hosts=NODES, within=2, longest=1),
    draws=2,
)
def faults(lab: Testbed, submission: Submission) -> None:
    start(lab, submission)
    history = lab.workload(
        work,
        hosts="clients",
        clients=3,
        operations=25,
        interval=0.1,
        timeout=WITHIN,
        name="who leads",
        arguments={"nodes": list(NODES)},
        apart=NODES,
    )
    expect_terms(lab, history)
    watcher = Watcher(lab)
    found = watcher.agreed(*NODES, within=ELECTED + 0.5)
    watcher.stays(found, *NODES, seconds=1.0)
