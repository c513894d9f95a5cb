"""A store on a log that three nodes agree on: linearizable, as long as two of them work."""

import functools

from echolab.classroom import (
    Client,
    Faults,
    Link,
    Operation,
    Submission,
    Testbed,
    case,
)

PORT = 7000
NODES = ("one", "two", "three")
KEYS = ("k1", "k2")
DELAY, FAR, LATE = 0.005, 0.1, 0.6
READY = 2.0
"""Seconds after which two nodes that reach each other do what they are asked."""

FEW = 0.15
"""Seconds that a client waits for one node before it asks the next one."""

AGAIN = 0.05
ROUNDS = 2
"""How often the voter loses its power."""


def ask(client: Client, words: str) -> str:
    """Ask one node after the other, with the same ID, until one does it; empty for no value."""
    first = client.random.randrange(3)
    for attempt in range(12):
        try:
            answer = client.text(NODES[(first + attempt) % 3], PORT, words, within=FEW)
        except OSError:
            client.sleep(AGAIN)
            continue
        if answer != "elsewhere":
            return "" if answer == "empty" else answer
        client.sleep(AGAIN)
    raise TimeoutError  # "elsewhere" may be an old answer that came twice: nobody knows


def work(client: Client) -> None:
    """Append a word to a value, put another one in its place, or get it."""
    key = client.random.choice(KEYS)
    chance = client.random.random()
    if chance < 0.5:
        client.do("get", functools.partial(ask, client, f"get {key}"), key=key)
        return
    verb = "append" if chance < 0.9 else "put"
    word = f"{client.process}.{client.random.randrange(10**4)}."

    def change() -> None:
        ask(client, f"{verb} {key} {word}")

    client.do(verb, change, word, key=key)


class Asker:
    """A client that the case plays itself."""

    def __init__(self, lab: Testbed) -> None:
        self._lab = lab
        self._socket = lab.datagrams("clients")
        self._count = 0
        self._answers: dict[str, dict[str, str]] = {}
        self._nodes = {lab.address(node).ip: node for node in NODES}

    def send(self, node: str, words: str, name: str = "") -> str:
        """Ask a node, and do not wait for its answer; the ID."""
        self._count += 1
        name = name or f"x-{self._count}"
        self._answers[name] = {}
        self._socket.send(f"{name} {words}".encode(), (self._lab.address(node).ip, PORT))
        return name

    def told(self, node: str, name: str) -> str:
        """What a node is known to have answered to an ID since it was last sent; or empty."""
        return self._answers[name].get(node, "")

    def answer(self, node: str, name: str, within: float = AGAIN) -> str:
        """What a node answers to an ID in time; empty for nothing."""
        until = self._lab.now() + within
        while not self.told(node, name) and (left := until - self._lab.now()) > 0:
            got = self._socket.receive_any(within=left)
            if got is None:
                break
            first, _, rest = got[0].decode(errors="replace").rstrip("\r\n").partition(" ")
            source = self._nodes.get(got[1][0], "")
            if first in self._answers and source:
                self._answers[first][source] = rest
                self._lab.step(f"{source} answered {first} with '{rest}'")
        return self.told(node, name)

    def ask(self, node: str, words: str, name: str = "", within: float = FEW) -> str:
        """A node's answer to a request; empty if none comes in time."""
        return self.answer(node, self.send(node, words, name), within)

    def done(
        self,
        words: str,
        answer: str | None = None,
        *,
        name: str = "",
        nodes: tuple[str, ...] = NODES,
    ) -> tuple[str, str]:
        """Expect that one of these nodes does this in time, and answers so; who, and with what."""
        if not name:
            self._count += 1
            name = f"x-{self._count}"
        until = self._lab.now() + READY
        seen: dict[str, str] = {}
        while True:
            for node in nodes:
                seen[node] = self.ask(node, words, name) or "nothing"
                if seen[node] in ("elsewhere", "nothing"):
                    continue
                self._lab.expect(
                    f"'{words}' is answered as it must be",
                    answer in (None, seen[node]),
                    expected=answer,
                    seen=f"{seen[node]} from {node}",
                )
                return node, seen[node]
            if self._lab.now() >= until:
                self._lab.fail(
                    f"one of {len(nodes)} nodes that reach each other does '{words}'",
                    expected=answer or "an answer",
                    seen=", ".join(f"{text} from {node}" for node, text in seen.items()),
                )
            self._lab.sleep(AGAIN)

    def silent(self, node: str, words: str, why: str, within: float = 2 * FEW) -> None:
        """Expect that a node that reaches no other one neither does nor answers this."""
        seen = self.ask(node, words, within=within)
        self._lab.expect(
            why, seen in ("", "elsewhere"), expected="no answer, or elsewhere", seen=seen
        )


def others(node: str) -> tuple[str, ...]:
    """The other two nodes."""
    return tuple(name for name in NODES if name != node)


def start(lab: Testbed, submission: Submission) -> Asker:
    """Start all three nodes."""
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
        submission.serve(name, name, PORT, *others(name), port=PORT)
    return Asker(lab)


def power(lab: Testbed, node: str, *, on: bool) -> None:
    """Take a node's power away, or give it back."""
    if on:
        lab.lab.restart(node)
        lab.wait_for_port(node, PORT, "udp")
    else:
        lab.lab.kill(node)
        lab.step(f"{node} lost its power")


def part(lab: Testbed, *groups: tuple[str, ...]) -> None:
    """Cut groups of nodes off from each other; clients reach them all."""
    lab.lab.partition(*groups)
    lab.step(f"the nodes are in parts: {' | '.join(', '.join(group) for group in groups)}")


def whole(lab: Testbed) -> None:
    """Let all nodes reach each other again."""
    lab.lab.heal()
    lab.step("all nodes reach each other")


def speaks(lab: Testbed, node: str) -> None:
    """Wait until a node tells another one something, a vote for example."""
    witness = lab.watch(node)
    until = lab.now() + READY / 2
    while lab.now() < until and not any(one.sent for one in witness.seen()):
        lab.sleep(0.01)


def word(lab: Testbed) -> str:
    """A word that nobody else appends."""
    return f"{lab.random.randrange(1000, 10000)}."


@case(
    "nothing fails: what clients ask for is done once, and nobody spins",
    catches=("applies-twice", "keeps-asking"),
    question="The same ID comes again. What is in the log then, and what is done?",
)
def plain(lab: Testbed, submission: Submission) -> None:
    for name in NODES:
        lab.shape(name, Link(delay=DELAY))
        submission.start(name, name, PORT, *others(name)).waits(0.7)
    for name in NODES:
        lab.wait_for_port(name, PORT, "udp")
    client = Asker(lab)
    first, second, third = (word(lab) for _ in range(3))
    client.done("get k1", "empty")
    client.done(f"append k1 {first}", "ok")
    client.done(f"append k1 {second}", "ok", name="y-7")
    client.done("get k2", "empty")
    client.done(f"append k1 {second}", "ok", name="y-7")
    client.done(f"put k2 {first}", "ok", name="y-8")
    client.done(f"append k2 {third}", "ok")
    client.done(f"put k2 {first}", "ok", name="y-8")
    _, text = client.done("get k1")
    lab.note("copies-of-a-word", text.count(second))
    lab.expect(
        "an append that is asked for twice with the same ID is done once",
        text == first + second,
        expected=first + second,
        seen=text,
    )
    client.done("get k2", first + third)
    client.done(f"put k1 {third}", "ok")
    client.done("get k1", third)


@case(
    "one node after the other loses its power: the other two go on, and it catches up",
    catches=("never-again", "waits-for-all", "forgets-ids"),
    question="What does a node lack that was dead, and from whom does it get it?",
)
def loss(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    words = [word(lab) for _ in range(4)]
    leader, _ = client.done(f"append k1 {words[0]}", "ok", name="y-1")
    for number in range(1, 4):
        dead = leader
        power(lab, dead, on=False)
        client.done(f"append k1 {words[number - 1]}", "ok", name=f"y-{number}")
        client.done(f"append k1 {words[number]}", "ok", name=f"y-{number + 1}")
        client.done("get k1", "".join(words[: number + 1]))
        power(lab, dead, on=True)
        lab.sleep(READY)
        leader, _ = client.done("get k1", "".join(words[: number + 1]))


@case(
    "all nodes lose their power at once, and have it back",
    catches=("forgets-log",),
    question="What is in your folder when the power is back?",
)
def blackout(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second = word(lab), word(lab)
    client.done(f"append k1 {first}", "ok", name="y-1")
    for node in NODES:
        power(lab, node, on=False)
    lab.sleep(0.5)
    for node in NODES:
        power(lab, node, on=True)
    client.done("get k1", first)
    client.done(f"append k1 {first}", "ok", name="y-1")
    client.done(f"append k1 {second}", "ok")
    client.done("get k1", first + second)


@case(
    "the node that answered is cut off from the others, but not from the clients",
    catches=("acknowledges-early", "reads-alone"),
    question="A leader was replaced and does not know it. What can it still answer?",
)
def deposed(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second, third = (word(lab) for _ in range(3))
    old, _ = client.done(f"append k1 {first}", "ok")
    part(lab, (old,), others(old))
    why = "a node that reaches no other one does nothing alone"
    client.silent(old, f"append k1 {third}", why)
    lab.sleep(READY)
    client.done(f"append k1 {second}", "ok", nodes=others(old))
    seen = client.ask(old, "get k1", within=2 * FEW)
    lab.note("answer-of-the-old-leader", seen or "none")
    lab.expect(
        "a node that reaches no other one answers nothing of old",
        seen in ("", "elsewhere"),
        expected="no answer, or elsewhere",
        seen=seen,
    )
    whole(lab)
    lab.sleep(READY)
    _, text = client.done("get k1")
    lab.expect(
        "what was answered is there, and what was not is there once or not at all",
        text.startswith(first + second) and text[len(first + second) :] in ("", third),
        expected=first + second,
        seen=text,
    )


@case(
    "a node that does not lead is cut off, and asked what it knows",
    catches=("reads-anywhere", "elects-anybody", "never-catches-up"),
    question="A node was cut off. Whom may it lead when it is back, and what does it lack?",
)
def behind(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    words = [word(lab)]
    leader, _ = client.done(f"append k1 {words[0]}", "ok")
    for _ in range(2):
        lab.sleep(0.3)
        late, witness = others(leader)
        part(lab, (late,), (leader, witness))
        words.append(word(lab))
        client.done(f"append k1 {words[-1]}", "ok", nodes=(leader, witness))
        client.silent(late, "get k1", "a node that reaches no other one answers nothing of old")
        lab.sleep(READY)
        part(lab, (leader,), (late, witness))
        client.done("get k1", "".join(words), nodes=(late, witness))
        whole(lab)
        lab.sleep(READY)
        leader, _ = client.done("get k1", "".join(words))


@case(
    "a leader has an entry alone, is cut off, is elected again, and is cut off again",
    catches=("counts-old-terms",),
    question="Two of three have an entry of an earlier term. Who can still be elected without it?",
)
def old_term(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second, third, last = (word(lab) for _ in range(4))
    old, _ = client.done(f"append k1 {first}", "ok")
    lab.sleep(0.3)
    part(lab, (old,), others(old))
    early = client.send(old, f"append k1 {second}")
    lab.sleep(READY)
    part(lab, *((node,) for node in NODES))
    asked = {node: client.send(node, f"append k1 {third}", "y-1") for node in others(old)}
    follows = [node for node, name in asked.items() if client.answer(node, name) == "elsewhere"]
    witness = (*follows, *others(old))[0]
    (new,) = (node for node in others(old) if node != witness)
    part(lab, (new,), (old, witness))
    lab.sleep(READY)
    answered = client.answer(old, early)
    part(lab, (old,), (new, witness))
    client.done(f"append k1 {last}", "ok", nodes=(new, witness))
    _, text = client.done("get k1", nodes=(new, witness))
    lab.expect(
        "what was answered with ok is there",
        answered != "ok" or second in text,
        expected=f"a value with {second}",
        seen=text,
    )


@case(
    "datagrams of the leader overtake each other, then nobody but a follower has what is done",
    catches=("truncates-too-far",),
    question="Entries arrive that the log has, and more behind them. What may be cut away?",
)
def overtaken(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second, third = (word(lab) for _ in range(3))
    leader, _ = client.done(f"append k1 {first}", "ok")
    witness, absent = others(leader)
    near = Link(delay=DELAY, toward=witness)
    lab.shape(leader, near)
    lab.sleep(0.3)
    part(lab, (absent,), (leader, witness))
    lab.shape(leader, Link(delay=LATE, toward=witness))
    began = lab.now()
    name = client.send(leader, f"append k1 {second}")
    lab.sleep(0.02)
    lab.shape(leader, near)
    client.done(f"append k1 {second}", "ok", name=name, nodes=(leader, witness))
    client.done(f"append k1 {third}", "ok", nodes=(leader, witness))
    lab.sleep(max(began + LATE - 0.03 - lab.now(), 0.0))
    lab.lab.pause(leader)
    lab.step(f"{leader} stands still")
    lab.sleep(0.1)
    power(lab, witness, on=False)
    power(lab, witness, on=True)
    part(lab, (leader,), (absent, witness))
    client.done("get k1", first + second + third, nodes=(absent, witness))
    lab.lab.resume(leader)
    whole(lab)
    lab.sleep(READY)
    client.done("get k1", first + second + third)


@case(
    "one and three do not hear each other, and two, which elects one of them, is started again",
    catches=("forgets-vote",),
    question="For whom did you vote before you lost your power, and in which term?",
)
def voter(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    asked: dict[str, tuple[str, str]] = {}

    for _ in range(ROUNDS):
        client.done("get k1")
        lab.sleep(0.3)
        for node in NODES:
            power(lab, node, on=False)
        part(lab, ("one",), ("three",))
        for node in ("one", "three"):
            power(lab, node, on=True)
        lab.sleep(0.2)
        power(lab, "two", on=True)
        for _ in range(2):
            speaks(lab, "two")
            power(lab, "two", on=False)
            power(lab, "two", on=True)
        lab.sleep(0.4)
        for _ in range(3):
            for node in ("one", "three"):
                added = f"{1000 + len(asked)}."
                asked[added] = node, client.send(node, f"append k1 {added}", f"{node}-{added[:-1]}")
                client.answer(*asked[added])
            lab.sleep(0.1)
        whole(lab)
        lab.sleep(0.3)
    _, text = client.done("get k1")
    done = [added for added, told in asked.items() if client.told(*told) == "ok"]
    wrong = [added for added in done if text.count(added) != 1]
    lab.expect(
        "what was answered with ok is there, once",
        not wrong,
        expected=f"a value with {len(done)} words",
        seen=f"not once: {', '.join(wrong[:3])}",
    )


@case(
    "clients work, while nodes lose their power, are cut off, slow or stand still",
    catches=("applies-twice",),
    question="What must two of three nodes have, and in which order, before a client is answered?",
    schedules=(
        "kill one at 0.3 for 0.8; kill two at 1.2 for 0.5; kill three at 2 for 0.3",
        "partition one at 0.3 for 1; partition two at 1.4 for 1; partition three at 2.5 for 0.5",
        "lose one by 0.5 at 0 for 2; lose two by 0.5 at 0 for 2; duplicate three by 1 at 0 for 2",
        "slow one by 0.2 at 0 for 1; duplicate two by 1 at 0 for 2; kill one at 1.5 for 0.1",
        "pause one at 0.4 for 1; partition two at 1.8 for 0.6; kill three at 2 for 0.3",
    ),
    faults=Faults(partition=2, kill=2, pause=1, slow=1, lose=1, hosts=NODES, within=2, longest=1.2),
    draws=2,
)
def faults(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    client.done("get k1", "empty")
    history = lab.workload(
        work,
        hosts="clients",
        clients=3,
        operations=10,
        interval=0.15,
        timeout=1.0,
        name="values",
        apart=NODES,
    )
    final = []
    for key in KEYS:
        began = lab.now()
        _, text = client.done(f"get {key}")
        held = text.replace("empty", "")
        final.append(Operation("check", "get", None, held, began, lab.now(), key=key))
    lab.expect_history(
        "all clients see one store, which does one thing after the other",
        (*history, *final),
        "linearizable",
        model="kv",
    )
