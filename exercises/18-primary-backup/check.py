"""A store with a primary and a backup: each append counts once, whichever of the two fails."""

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
VIEW = "view"
STORES = ("one", "two")
KEYS = ("k1", "k2")
DELAY = 0.005
WITHIN = 0.3
READY = 1.5
"""Seconds after which a failure no longer shows: somebody answers, and has everything."""

FEW = 0.15
"""Seconds that a client waits for one store before it asks the other."""


def ask(client: Client, words: str) -> str:
    """Ask one store and the other, with the same ID, until one does it; empty for no text."""
    first = client.random.randrange(2)
    for attempt in range(8):
        try:
            answer = client.text(STORES[(first + attempt) % 2], PORT, words, within=FEW)
        except OSError:
            client.sleep(0.05)
            continue
        if answer != "elsewhere":
            return "" if answer == "empty" else answer
        client.sleep(0.05)
    raise TimeoutError  # "elsewhere" may be an old answer that came twice: nobody knows


def work(client: Client) -> None:
    """Append a word to a text, or get it."""
    key = client.random.choice(KEYS)
    if client.random.random() < 0.5:
        client.do("get", functools.partial(ask, client, f"get {key}"), key=key)
        return
    word = f"{client.process}.{client.random.randrange(10**4)}."

    def append() -> None:
        ask(client, f"append {key} {word}")

    client.do("append", append, word, key=key)


class Asker:
    """A client that the case plays itself, one request after the other."""

    def __init__(self, lab: Testbed) -> None:
        self._lab = lab
        self._socket = lab.datagrams("clients")
        self._count = 0

    def name(self) -> str:
        """A new ID."""
        self._count += 1
        return f"x-{self._count}"

    def ask(self, host: str, words: str, name: str = "", within: float = WITHIN) -> str:
        """The answer to a request, without its ID; empty if none comes in time."""
        wanted = name or self.name()
        self._socket.waiting()
        self._socket.send(f"{wanted} {words}".encode(), (self._lab.address(host).ip, PORT))
        until = self._lab.now() + within
        while (left := until - self._lab.now()) > 0:
            got = self._socket.receive_any(within=left)
            if got is None:
                break
            first, _, rest = got[0].decode(errors="replace").rstrip("\r\n").partition(" ")
            if first == wanted:
                self._lab.step(f"{host} answered '{words}' with '{rest}'")
                return rest
        return ""

    def done(
        self,
        words: str,
        answer: str | None = None,
        *,
        name: str = "",
        hosts: tuple[str, ...] = STORES,
    ) -> str:
        """Expect that one of these stores does this in time, and that this is its answer."""
        wanted = name or self.name()
        until = self._lab.now() + READY
        seen: dict[str, str] = {}
        while True:
            for host in hosts:
                seen[host] = self.ask(host, words, wanted, FEW) or "nothing"
                if seen[host] not in ("elsewhere", "nothing"):
                    self._lab.expect(
                        f"'{words}' is answered as it must be",
                        answer in (None, seen[host]),
                        expected=answer,
                        seen=f"{seen[host]} from {host}",
                    )
                    return seen[host]
            if self._lab.now() >= until:
                self._lab.fail(
                    f"one of the stores answers '{words}'",
                    expected=answer or "an answer",
                    seen=", ".join(f"{text} from {host}" for host, text in seen.items()),
                )
            self._lab.sleep(0.05)

    def primary(self) -> str:
        """Expect that the view service names one of the stores."""
        until = self._lab.now() + READY
        while (seen := self.ask(VIEW, "primary")) not in STORES and self._lab.now() < until:
            self._lab.sleep(0.05)
        self._lab.expect(
            "the view service names a primary",
            seen in STORES,
            expected="one or two",
            seen=seen or "no answer",
        )
        return seen


def other(store: str) -> str:
    """The other store."""
    return STORES[1 - STORES.index(store)]


def start(lab: Testbed, submission: Submission) -> Asker:
    """Start everything, and wait until the view service has a primary and a backup."""
    lab.shape(VIEW, Link(delay=DELAY))
    submission.serve(VIEW, VIEW, PORT, *STORES, port=PORT)
    for name in STORES:
        lab.shape(name, Link(delay=DELAY))
        submission.serve(name, "store", name, PORT, VIEW, other(name), port=PORT)
    lab.sleep(READY)
    return Asker(lab)


def power(lab: Testbed, store: str, *, on: bool) -> None:
    """Take a store's power away, or give it back."""
    if on:
        lab.lab.restart(store)
        lab.wait_for_port(store, PORT, "udp")
    else:
        lab.lab.kill(store)
        lab.step(f"{store} lost its power")


def word(lab: Testbed) -> str:
    """A word that nobody else appends."""
    return f"{lab.random.randrange(1000, 10000)}."


@case(
    "nothing fails: one store does what it is asked, once, and nobody spins",
    catches=("applies-twice", "both-answer", "keeps-asking"),
    question="The same ID comes again. What have you kept of it?",
)
def plain(lab: Testbed, submission: Submission) -> None:
    lab.shape(VIEW, Link(delay=DELAY))
    submission.start(VIEW, VIEW, PORT, *STORES).waits(1.0)
    for name in STORES:
        submission.start(name, "store", name, PORT, VIEW, other(name)).waits(1.0)
    for name in (VIEW, *STORES):
        lab.wait_for_port(name, PORT, "udp")
    lab.sleep(READY)
    client = Asker(lab)
    primary = client.primary()
    first, second = word(lab), word(lab)
    client.done("get k1", "empty")
    client.done(f"append k1 {first}", "ok")
    client.done(f"append k1 {second}", "ok", name="y-7")
    client.done(f"append k2 {first}", "ok")
    client.done(f"append k1 {second}", "ok", name="y-7")
    text = client.done("get k1")
    lab.note("copies-of-a-word", text.count(second))
    lab.expect(
        "an append that is asked for twice with the same ID is done once",
        text == first + second,
        expected=first + second,
        seen=text,
    )
    client.done("get k2", first)
    seen = client.ask(other(primary), "get k1")
    lab.expect(
        "the backup sends clients elsewhere",
        seen == "elsewhere",
        expected="elsewhere",
        seen=seen or "no answer",
    )


@case(
    "the primary loses its power, comes back, and then the other one does",
    catches=("never-fails-over", "forgets-ids", "no-transfer", "takes-nobody-back"),
    question="What must a backup have before it may become the primary?",
)
def loss(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    words = [word(lab) for _ in range(3)]
    client.done(f"append k1 {words[0]}", "ok", name="y-1")
    for number, added in enumerate(words[1:], 2):
        primary = client.primary()
        power(lab, primary, on=False)
        lab.sleep(READY)
        client.done("get k1", "".join(words[: number - 1]))
        client.done(f"append k1 {words[number - 2]}", "ok", name=f"y-{number - 1}")
        client.done(f"append k1 {added}", "ok", name=f"y-{number}")
        client.done("get k1", "".join(words[:number]))
        power(lab, primary, on=True)
        lab.sleep(READY)
        client.done("get k1", "".join(words[:number]))


@case(
    "primary and backup do not hear each other; then the primary loses its power",
    catches=("answers-early",),
    question="What was answered with ok: where is it when this store burns down?",
)
def silence(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second = word(lab), word(lab)
    client.done(f"append k1 {first}", "ok")
    primary = client.primary()
    backup = other(primary)
    lab.shape(primary, Link(delay=DELAY, toward=VIEW), Link(loss=1.0, toward=backup))
    answer = client.ask(primary, f"append k1 {second}", "y-1")
    power(lab, primary, on=False)
    lab.sleep(READY)
    if answer == "ok":
        client.done("get k1", first + second)
    client.done(f"append k1 {second}", "ok", name="y-1")
    client.done("get k1", first + second)


@case(
    "the primary is cut off from the others, but not from the clients",
    catches=("reads-alone", "two-primaries"),
    question="A primary was replaced and does not know it. What can it still answer?",
)
def cut(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second, third = (word(lab) for _ in range(3))
    client.done(f"append k1 {first}", "ok")
    old = client.primary()
    new = other(old)
    lab.lab.partition((old,), (VIEW, new))
    lab.step(f"{old} is cut off from {VIEW} and {new}")
    lab.sleep(READY)
    client.done(f"append k1 {second}", "ok", hosts=(new,))
    seen = client.ask(old, "get k1")
    lab.note("answer-of-the-old-primary", seen or "none")
    lab.expect(
        "a primary that was replaced answers nothing of old",
        seen in ("", "elsewhere", first + second),
        expected="no answer, or elsewhere",
        seen=seen,
    )
    seen = client.ask(old, f"append k1 {third}", "y-1")
    lab.expect(
        "a primary that was replaced does nothing alone",
        seen in ("", "elsewhere"),
        expected="no answer, or elsewhere",
        seen=seen,
    )
    lab.lab.heal()
    lab.step(f"{old} is back")
    lab.sleep(READY)
    client.done(f"append k1 {third}", "ok", name="y-1")
    client.done("get k1", first + second + third)
    backup = other(client.primary())
    lab.lab.partition((backup,), (VIEW, other(backup)))
    lab.step(f"{backup} is cut off from {VIEW} and {other(backup)}")
    seen = client.ask(backup, "get k1")
    lab.sleep(READY)
    seen = client.ask(backup, "get k1")
    lab.expect(
        "a backup that is cut off does not make itself the primary",
        seen in ("", "elsewhere"),
        expected="no answer, or elsewhere",
        seen=seen,
    )
    client.done("get k1", first + second + third)


@case(
    "both stores lose their power at once",
    catches=("forgets",),
    question="What is in your folder when the power is back?",
)
def both(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    first, second = word(lab), word(lab)
    client.done(f"append k1 {first}", "ok", name="y-1")
    for store in STORES:
        power(lab, store, on=False)
    lab.sleep(lab.random.choice((0.2, 2.0)))
    for store in STORES:
        power(lab, store, on=True)
    lab.sleep(READY)
    client.done("get k1", first)
    client.done(f"append k1 {first}", "ok", name="y-1")
    client.done(f"append k1 {second}", "ok")
    client.done("get k1", first + second)


@case(
    "clients append and read, while stores lose their power, are cut off, slow or stand still",
    catches=("applies-twice", "copies-once", "answers-early"),
    question="In which order did primary and backup do what clients asked for side by side?",
    schedules=(
        "kill one at 0.3 for 0.8; kill two at 2 for 0.5",
        "partition one at 0.3 for 1; partition two at 2 for 1",
        "lose one by 0.5 at 0 for 2; lose two by 0.5 at 0 for 2; duplicate view by 1 at 0 for 2",
        "slow one by 0.2 at 0 for 1; duplicate two by 1 at 0 for 2; kill one at 1.5 for 0.1",
        "pause one at 0.4 for 1; partition two at 1.8 for 0.6; kill two at 2.6 for 0.3",
    ),
    faults=Faults(
        partition=2, kill=2, pause=1, slow=1, lose=1, hosts=STORES, within=2, longest=1.2
    ),
    draws=2,
)
def faults(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission)
    history = lab.workload(
        work,
        hosts="clients",
        clients=3,
        operations=14,
        interval=0.15,
        timeout=1.0,
        name="texts",
        apart=(VIEW, *STORES),
    )
    lab.sleep(READY)
    final = []
    for key in KEYS:
        began = lab.now()
        text = client.done(f"get {key}").replace("empty", "")
        final.append(Operation("check", "get", None, text, began, lab.now(), key=key))
    lab.expect_history(
        "each append counts once, and each get has all that was answered before it",
        (*history, *final),
        "linearizable",
        model="kv",
    )
