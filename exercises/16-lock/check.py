"""A lock with leases and fencing tokens: what it protects loses nothing, whoever is slow."""

import dataclasses
import functools

from echolab.classroom import Client, Faults, History, Link, Operation, Submission, Testbed, case

PORT = 7000
LEASE = 1.0
SLACK = 0.2
"""Seconds after which a lease that is over must be so for the node, too."""

WITHIN = 0.1
LARGEST = 2**63 - 1
LONGEST = 19
"""Digits of the largest token."""


def ask(client: Client, host: str, words: str, name: str, argument: str | None = None) -> str:
    """Ask the lock or the store one thing; the answer, empty without one."""
    found = client.do(name, functools.partial(client.text, host, PORT, words), argument)
    return found if isinstance(found, str) else ""


def add(client: Client) -> None:
    """Add 1 to the number in the store, while holding the lock, or longer."""
    token = ask(client, "lock", "acquire", "acquire")
    if not token.isdecimal():
        return
    value = ask(client, "store", f"read {token}", "fetch", token)
    if value.isdecimal():
        client.sleep(client.random.choice((0.0, 0.05, 0.3, 1.3)))
        ask(client, "store", f"write {token} {int(value) + 1}", "write", token)
    ask(client, "lock", f"release {token}", "release", token)


class Asker:
    """A client that the case plays itself, one request after the other."""

    def __init__(self, lab: Testbed) -> None:
        self._lab = lab
        self._socket = lab.datagrams("clients")
        self._count = 0

    def ask(self, host: str, words: str) -> str:
        """The answer to a request, without its ID."""
        self._count += 1
        name = f"x-{self._count}"
        self._socket.send(f"{name} {words}".encode(), (self._lab.address(host).ip, PORT))
        data, _ = self._socket.receive(within=WITHIN)
        first, _, rest = data.decode(errors="replace").rstrip("\r\n").partition(" ")
        if first != name:
            self._lab.fail("the answer begins with the client's ID", expected=name, seen=first)
        return rest

    def expect(self, host: str, words: str, answer: str) -> None:
        """Expect this answer."""
        seen = self.ask(host, words)
        self._lab.expect(f"{host} answers '{words}'", seen == answer, expected=answer, seen=seen)

    def token(self, above: int = 0) -> int:
        """Expect to get the lock, with a token above that one."""
        seen = self.ask("lock", "acquire")
        number = int(seen) if is_token(seen) else -1
        self._lab.expect(
            "the lock is given, with a token larger than all before",
            above < number <= LARGEST,
            expected=f"a number from {above + 1} to {LARGEST}",
            seen=seen,
        )
        return number


def is_token(text: str) -> bool:
    """Whether a text has digits alone, and not too many of them."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST


def expect_leases(lab: Testbed, history: History) -> None:
    """Expect that tokens grow, and that nobody got the lock while another one had it for sure."""
    released = {one.argument: one.invoked for one in history if one.function == "release"}
    given = [
        one for one in history if one.function == "acquire" and is_token(str(one.result or ""))
    ]
    given.sort(key=lambda one: int(str(one.result)))
    for number, one in enumerate(given):
        ends = min(one.invoked + LEASE, released.get(one.result, one.invoked + LEASE))
        for later in given[number + 1 :]:
            when = f"{later.result} at {later.invoked:.3f} s, {one.result} at {one.invoked:.3f} s"
            if one.result == later.result or (later.completed or 0.0) < one.invoked:
                lab.fail(
                    "each token is larger than all before", expected="growing tokens", seen=when
                )
            if (later.completed or 0.0) < ends:
                lab.fail(
                    "nobody gets the lock while a lease lasts",
                    expected=f"{LEASE:g} s from one to the next, or a release",
                    seen=when,
                )
    lab.step(f"{len(given)} tokens, each larger than all before")


def as_addition(one: Operation) -> Operation:
    """A write of a number as the addition that its client meant."""
    addition = dataclasses.replace(one, function="add", argument=1, result=None)
    if one.result == "ok":
        return addition
    if one.result == "stale":
        return dataclasses.replace(addition, outcome="fail")
    return dataclasses.replace(addition, outcome="unknown", completed=None)


@case(
    "the lock alone: given, refused, released, and free again when its second is over",
    catches=("never-busy", "no-lease", "releases-any", "same-token"),
    question="What frees a lock whose holder has died?",
)
def lease(lab: Testbed, submission: Submission) -> None:
    node = submission.start("lock", "lock", PORT)
    lab.wait_for_port("lock", PORT, "udp")
    node.waits(LEASE + SLACK)
    client = Asker(lab)
    first = client.token()
    client.expect("lock", "acquire", "busy")
    client.expect("lock", f"release {first + 1}", "gone")
    client.expect("lock", "acquire", "busy")
    client.expect("lock", f"release {first}", "ok")
    second = client.token(first)
    client.expect("lock", f"release {first}", "gone")
    lab.sleep(LEASE - SLACK)
    client.expect("lock", "acquire", "busy")
    lab.sleep(2 * SLACK)
    third = client.token(second)
    client.expect("lock", f"release {second}", "gone")
    client.expect("lock", "acquire", "busy")
    client.expect("lock", f"release {third}", "ok")


@case(
    "the store alone: whoever comes with a smaller token than it has seen is too late",
    catches=(
        "no-fencing",
        "compares-text",
        "store-forgets",
        "fences-writes-alone",
        "equal-is-stale",
    ),
    question="How can the store know that a client's lease is over?",
)
def fence(lab: Testbed, submission: Submission) -> None:
    node = submission.start("store", "store", PORT)
    lab.wait_for_port("store", PORT, "udp")
    client = Asker(lab)
    values = [lab.random.randint(1, 9999) for _ in range(4)]
    for words, answer in (
        ("read 3", "empty"),
        (f"write 3 {values[0]}", "ok"),
        (f"write 3 {values[1]}", "ok"),
        ("read 3", f"{values[1]}"),
        ("write 2 17", "stale"),
        ("read 2", "stale"),
        ("read 9", f"{values[1]}"),
        ("write 8 17", "stale"),
        ("write 10 0", "ok"),
        ("read 10", "0"),
        (f"write 12 {values[2]}", "ok"),
    ):
        client.expect("store", words, answer)
    node.stop()
    submission.start("store", "store", PORT)
    lab.wait_for_port("store", PORT, "udp")
    client.expect("store", "write 11 17", "stale")
    client.expect("store", "read 12", f"{values[2]}")
    client.expect("store", f"write 13 {values[3]}", "ok")
    client.expect("store", "read 14", f"{values[3]}")


@case(
    "the lock is started again while somebody holds it",
    catches=("forgets-token", "forgets-lease"),
    question="What does the lock know of the leases that it gave before it was started?",
)
def restart(lab: Testbed, submission: Submission) -> None:
    node = submission.start("lock", "lock", PORT)
    lab.wait_for_port("lock", PORT, "udp")
    lab.sleep(LEASE + SLACK)
    client = Asker(lab)
    first = client.token()
    lab.sleep(0.3)
    node.stop()
    submission.start("lock", "lock", PORT)
    lab.wait_for_port("lock", PORT, "udp")
    client.expect("lock", "acquire", "busy")
    began, token = lab.now(), ""
    while not token.isdecimal() and lab.now() < began + LEASE + SLACK:
        lab.sleep(0.1)
        token = client.ask("lock", "acquire")
    lab.note("seconds-busy-after-a-restart", round(lab.now() - began, 1))
    lab.expect(
        f"{LEASE:g} s after its start the lock is free, its tokens go on growing",
        is_token(token) and first < int(token) <= LARGEST,
        expected=f"a number above {first} within {LEASE + SLACK:g} s",
        seen=token,
    )


@case(
    "slow clients add to a number in the store, while hosts lose their power, pause and are late",
    catches=("no-fencing", "forgets-token", "fences-writes-alone"),
    question="A client was slower than its lease. Who notices, and by what?",
    schedules=(
        "kill lock at 1 for 0.2",
        "kill store at 1.5 for 0.2",
        "pause store at 0.5 for 1; kill lock at 2 for 0.5",
        "lose lock by 0.5 at 0 for 2; slow lock by 0.1 at 1 for 1",
        "duplicate store by 1 at 0 for 3; slow store by 0.1 at 1 for 1",
    ),
    faults=Faults(kill=2, pause=1, slow=1, lose=1, hosts=("lock", "store"), within=3, longest=1),
    draws=2,
)
def additions(lab: Testbed, submission: Submission) -> None:
    for name in ("lock", "store"):
        lab.shape(name, Link(delay=0.005))
        submission.serve(name, name, PORT, port=PORT)
    lab.sleep(LEASE + SLACK)
    client = Asker(lab)
    first = client.token()
    client.expect("store", f"write {first} 0", "ok")
    client.expect("lock", f"release {first}", "ok")
    history = lab.workload(
        add, hosts="clients", clients=3, operations=10, interval=0.2, timeout=0.5, name="additions"
    )
    writes = [one for one in history if one.function == "write"]
    lab.note("stale-writes", sum(one.result == "stale" for one in writes))
    expect_leases(lab, history)
    lab.sleep(2 * (LEASE + SLACK))
    last = client.token(first)
    seen = client.ask("store", f"read {last}")
    if not is_token(seen):
        lab.fail("the store has a number in the end", expected="a number", seen=seen)
    done = lab.now()
    final = Operation("check", "read", None, int(seen), invoked=done, completed=done)
    lab.expect_history(
        "each write that was answered with ok counts, exactly once",
        (*map(as_addition, writes), final),
        "exactly once",
        model="counter",
        after=done,
    )
