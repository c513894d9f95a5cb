"""Two-phase commit: a trip is booked with both or with neither, whoever fails and whenever."""

import functools

from echolab.classroom import Client, Faults, History, Link, Submission, Testbed, case

PORT = 7000
COORDINATOR, FLIGHT, HOTEL = "coordinator", "flight", "hotel"
PARTICIPANTS = (FLIGHT, HOTEL)
HOSTS = (COORDINATOR, *PARTICIPANTS)
DELAY = 0.005
LATE = 0.3
WITHIN = 0.3
READY = 1.5
"""Seconds after which all is decided between those that reach each other."""

PLACES = 8


def book(client: Client) -> None:
    """Book a trip, and ask again where no answer comes."""
    name = f"{client.process}x{client.random.randrange(10**6)}"

    def ask() -> str:
        for _ in range(4):
            try:
                return client.text(COORDINATOR, PORT, f"book {name}", within=0.3)
            except OSError:
                client.sleep(0.05)
        raise TimeoutError

    client.do("book", ask, name)


def free(client: Client, hosts: list[str]) -> None:
    """Ask a participant how many places are free."""
    host = client.random.choice(hosts)
    client.do("free", functools.partial(client.text, host, PORT, "free"), key=host)


def work(client: Client, hosts: list[str]) -> None:
    """Book, or look at what is free."""
    if client.random.random() < 0.7:
        book(client)
    else:
        free(client, hosts)


class Asker:
    """A client that the case plays itself, one request after the other."""

    def __init__(self, lab: Testbed) -> None:
        self._lab = lab
        self._socket = lab.datagrams("clients")
        self._count = 0

    def ask(self, host: str, words: str, within: float = WITHIN) -> str | None:
        """The answer to a request, without its ID; None if none comes in time."""
        self._count += 1
        wanted = f"x-{self._count}"
        self._socket.send(f"{wanted} {words}".encode(), (self._lab.address(host).ip, PORT))
        until = self._lab.now() + within
        while self._lab.now() < until:
            got = self._socket.receive_any(within=until - self._lab.now())
            if got is None:
                return None
            first, _, rest = got[0].decode(errors="replace").rstrip("\r\n").partition(" ")
            if first == wanted:
                return rest
        return None

    def answered(self, host: str, words: str) -> str:
        """Expect an answer in time."""
        seen = self.ask(host, words)
        if seen is None:
            self._lab.fail(f"{host} answers '{words}'", expected="an answer", seen="no answer")
        return seen

    def book(self, name: str, within: float = READY) -> str:
        """Ask for a booking until it is answered; expect an answer in time."""
        until = self._lab.now() + within
        while True:
            seen = self.ask(COORDINATOR, f"book {name}")
            if seen in ("booked", "refused"):
                self._lab.step(f"the trip {name} is {seen}")
                return seen
            if seen is not None or self._lab.now() >= until:
                self._lab.fail(
                    f"the coordinator answers 'book {name}'",
                    expected=f"booked or refused, within {within:g} s",
                    seen=seen or "no answer",
                )

    def expect_booking(self, name: str, answer: str) -> None:
        """Expect that this becomes of a booking."""
        seen = self.book(name)
        self._lab.expect(f"the trip {name} is {answer}", seen == answer, expected=answer, seen=seen)

    def expect(self, host: str, words: str, answer: str, why: str, within: float = READY) -> None:
        """Expect that a participant soon answers this."""
        until = self._lab.now() + within
        while True:
            seen = " ".join(sorted(self.answered(host, words).split()))
            if seen == answer or self._lab.now() >= until:
                break
            self._lab.sleep(0.05)
        self._lab.expect(why, seen == answer, expected=answer or "nothing", seen=seen or "nothing")

    def expect_listed(self, *names: str, hosts: tuple[str, ...] = PARTICIPANTS) -> None:
        """Expect that these participants soon list just these trips."""
        for host in hosts:
            wanted = " ".join(sorted(names))
            self.expect(host, "list", wanted, f"{host} lists {wanted or 'nothing'}")

    def expect_free(self, host: str, places: int, within: float = READY) -> None:
        """Expect that a participant soon has so many places that are neither booked nor held."""
        self.expect(host, "free", f"{places}", f"{host} has {places} places free", within)


def start(lab: Testbed, submission: Submission, flight: int, hotel: int) -> Asker:
    """Start all, with these places."""
    for name in HOSTS:
        lab.shape(name, Link(delay=DELAY))
    submission.serve(COORDINATOR, COORDINATOR, PORT, *PARTICIPANTS, port=PORT)
    for name, peer, places in ((FLIGHT, HOTEL, flight), (HOTEL, FLIGHT, hotel)):
        submission.serve(name, "participant", name, PORT, places, COORDINATOR, peer, port=PORT)
    return Asker(lab)


def power(lab: Testbed, host: str, *, on: bool) -> None:
    """Take a host's power away, or give it back."""
    if on:
        lab.lab.restart(host)
        lab.wait_for_port(host, PORT, "udp")
    else:
        lab.lab.kill(host)
        lab.step(f"{host} lost its power")


def trips(lab: Testbed, count: int) -> list[str]:
    """Names of trips."""
    return [f"t{number}" for number in lab.random.sample(range(100, 1000), count)]


@case(
    "nothing fails: a trip is booked while both have places, and refused when one has none",
    catches=("counts-one-vote", "keeps-the-place", "overbooks", "books-again", "keeps-asking"),
    question="Which participants must have said yes, and what does a refusal give back?",
)
def plain(lab: Testbed, submission: Submission) -> None:
    for name in HOSTS:
        lab.shape(name, Link(delay=DELAY))
    words: tuple[object, ...] = (COORDINATOR, PORT, *PARTICIPANTS)
    submission.start(COORDINATOR, *words).waits(1.0)
    for name, peer, places in ((FLIGHT, HOTEL, 3), (HOTEL, FLIGHT, 2)):
        words = ("participant", name, PORT, places, COORDINATOR, peer)
        submission.start(name, *words).waits(1.0)
    for name in HOSTS:
        lab.wait_for_port(name, PORT, "udp")
    client = Asker(lab)
    first, second, third = trips(lab, 3)
    client.expect_booking(first, "booked")
    client.expect_booking(first, "booked")
    client.expect_listed(first)
    client.expect_free(FLIGHT, 2)
    client.expect_booking(second, "booked")
    client.expect_booking(third, "refused")
    client.expect_listed(first, second)
    client.expect_free(FLIGHT, 1)
    client.expect_free(HOTEL, 0)
    client.expect_booking(third, "refused")


@case(
    "the coordinator loses its power before the hotel has heard of the trip",
    catches=("waits-for-coordinator",),
    question="The hotel was never asked. Who may decide what, while the coordinator is dead?",
)
def unasked(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission, 1, 2)
    first, second = trips(lab, 2)
    lab.shape(COORDINATOR, Link(delay=DELAY, toward=FLIGHT), Link(loss=1.0, toward=HOTEL))
    client.ask(COORDINATOR, f"book {first}", 0.1)
    power(lab, COORDINATOR, on=False)
    client.expect_free(FLIGHT, 1)
    client.expect_free(HOTEL, 2)
    power(lab, COORDINATOR, on=True)
    lab.shape(COORDINATOR, Link(delay=DELAY))
    client.expect_booking(first, "refused")
    client.expect_booking(second, "booked")
    client.expect_listed(second)


@case(
    "the coordinator loses its power when the flight knows the decision and the hotel does not",
    catches=("waits-for-coordinator", "aborts-alone", "forgets-promise"),
    question="The hotel said yes and hears nothing. Whom can it ask, and what must it not do?",
)
def told_one(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission, 2, 1)
    first, second = trips(lab, 2)
    lab.shape(COORDINATOR, Link(delay=DELAY, toward=FLIGHT), Link(delay=LATE, toward=HOTEL))
    for name in PARTICIPANTS:
        other = HOTEL if name == FLIGHT else FLIGHT
        lab.shape(name, Link(delay=DELAY, toward=COORDINATOR), Link(loss=1.0, toward=other))
    answer = client.book(first)
    lab.expect("both have places", answer == "booked", expected="booked", seen=answer)
    lab.sleep(0.05)
    power(lab, COORDINATOR, on=False)
    lab.sleep(READY)
    held = client.answered(HOTEL, "free")
    lab.note("places-held-in-doubt", 1 if held == "0" else 0)
    client.expect_free(HOTEL, 0, within=0.0)
    power(lab, HOTEL, on=False)
    power(lab, HOTEL, on=True)
    client.expect_free(HOTEL, 0, within=0.0)
    for name in PARTICIPANTS:
        lab.shape(name, Link(delay=DELAY))
    lab.step("flight and hotel reach each other")
    client.expect_listed(first)
    lab.note("hotel-without-coordinator", client.answered(HOTEL, "list") or "nothing")
    power(lab, COORDINATOR, on=True)
    lab.shape(COORDINATOR, Link(delay=DELAY))
    client.expect_booking(first, "booked")
    client.expect_booking(second, "refused")
    client.expect_listed(first)


@case(
    "the coordinator answers, loses its power, and is back; the participants heard nothing",
    catches=("forgets-decision", "commits-alone", "tells-once"),
    question="When is a trip booked: when the coordinator says so, or when it has written it down?",
)
def told_nobody(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission, 2, 2)
    first, second = trips(lab, 2)
    lab.shape(COORDINATOR, Link(delay=LATE, toward=FLIGHT), Link(delay=LATE, toward=HOTEL))
    answer = client.book(first)
    lab.expect("both have places", answer == "booked", expected="booked", seen=answer)
    power(lab, COORDINATOR, on=False)
    lab.sleep(READY)
    power(lab, COORDINATOR, on=True)
    lab.shape(COORDINATOR, Link(delay=DELAY))
    client.expect_listed(first)
    client.expect_booking(first, "booked")
    client.expect_free(FLIGHT, 1)
    lab.shape(FLIGHT, Link(loss=1.0, toward=COORDINATOR), Link(delay=DELAY, toward=HOTEL))
    client.ask(COORDINATOR, f"book {second}", 0.1)
    power(lab, COORDINATOR, on=False)
    lab.sleep(READY)
    for name in PARTICIPANTS:
        client.expect(name, "list", first, f"{name} does not book what nobody has decided")
    lab.shape(FLIGHT, Link(delay=DELAY))
    power(lab, COORDINATOR, on=True)
    client.expect_booking(second, client.book(second))


def expect_atomic(lab: Testbed, history: History, lists: dict[str, list[str]]) -> None:
    """Expect that both list the same trips: all that were booked, none that was refused."""
    booked = {str(one.argument) for one in history if one.result == "booked"}
    refused = {str(one.argument) for one in history if one.result == "refused"}
    for host, names in lists.items():
        other = lists[HOTEL if host == FLIGHT else FLIGHT]
        for text, wrong in (
            ("a trip is listed by both or by neither", set(names) - set(other)),
            ("a trip that was answered with booked is listed", booked - set(names)),
            ("a trip that was answered with refused is not listed", refused & set(names)),
            ("a trip is listed once", {name for name in names if names.count(name) > 1}),
        ):
            if wrong:
                lab.fail(
                    text,
                    expected=f"{len(booked)} booked, {len(refused)} refused",
                    seen=f"{host}: {', '.join(sorted(wrong)[:3])}",
                )
        lab.expect(
            f"{host} does not list more trips than it has places",
            len(names) <= PLACES,
            expected=f"at most {PLACES}",
            seen=len(names),
        )


@case(
    "clients book while all lose their power, are cut off or stand still; datagrams are lost",
    catches=("tells-once",),
    question="What was written down before it was said, by each of the three?",
    schedules=(
        "kill coordinator at 0.2 for 0.5; kill hotel at 0.9 for 0.3",
        "partition hotel at 0.2 for 0.6; kill coordinator at 0.5 for 0.4",
        "lose coordinator by 0.5 at 0 for 2; lose flight by 0.5 at 0 for 2",
        "slow hotel by 0.2 at 0 for 1; duplicate flight by 1 at 0 for 2; kill flight at 1 for 0.3",
        "pause coordinator at 0.3 for 0.8; partition flight at 1 for 1; kill hotel at 1 for 0.2",
    ),
    faults=Faults(partition=2, kill=2, pause=1, slow=1, lose=1, hosts=HOSTS, within=1.5, longest=1),
    draws=2,
)
def faults(lab: Testbed, submission: Submission) -> None:
    client = start(lab, submission, PLACES, PLACES)
    history = lab.workload(
        work,
        hosts="clients",
        clients=3,
        operations=8,
        interval=0.15,
        timeout=1.2,
        name="trips",
        arguments={"hosts": list(PARTICIPANTS)},
        apart=HOSTS,
    )
    lab.sleep(READY)
    lists = {host: client.answered(host, "list").split() for host in PARTICIPANTS}
    expect_atomic(lab, history, lists)
    left = PLACES - len(lists[FLIGHT])
    for host in PARTICIPANTS:
        client.expect_free(host, left, within=0.0)
    client.expect_booking(trips(lab, 1)[0], "booked" if left else "refused")
