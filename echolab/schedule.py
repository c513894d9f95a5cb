"""Faults as a schedule: what may happen to which hosts, and what happens in a run, as values.

`Faults` says which kinds of faults a scenario's hosts must survive; a schedule is drawn from it, a
tuple of `PlannedFault`. It can be drawn by chance, or written by hand:

    kill a at 1.5 for 2
    partition a, b at 0.5 for 3
    slow c by 0.2 at 0 for 10
"""

from __future__ import annotations

import dataclasses
import fnmatch
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from echolab.errors import BadInput
from echolab.link import Link

if TYPE_CHECKING:
    import random

KINDS: Final = ("partition", "kill", "pause", "slow", "lose", "duplicate")

STEP = 0.1
"""Seconds: everything drawn is a multiple of it, since round figures are easier to read."""

AMOUNTS: Mapping[str, tuple[float, ...]] = {
    "slow": (0.05, 0.1, 0.2, 0.5, 1.0),
    "lose": (0.1, 0.3, 0.5, 0.9),
    "duplicate": (0.1, 0.5, 1.0),
}
"""What is drawn for the faults of links: seconds of delay, a chance of loss, of duplication."""

TEXT = re.compile(
    r"(?P<kind>[a-z]+)\s+(?P<hosts>[^\s,]+(?:\s*,\s*[^\s,]+)*)(?:\s+by\s+(?P<amount>[\d.]+))?"
    r"\s+at\s+(?P<at>[\d.]+)\s+for\s+(?P<lasts>[\d.]+)"
)


@dataclasses.dataclass(frozen=True)
class PlannedFault:
    """One fault of a schedule: its `kind`, the hosts that it hits, when, and how long.

    `at` are lab seconds from the moment at which the clients begin; the fault ends after `lasts`
    seconds: the host has its power again, its programs go on, the network is whole. A `partition`
    cuts its hosts off from all others. `amount` is by how many seconds a `slow` host's packets are
    late, or the chance that a packet that the host sends is lost (`lose`) or arrives twice
    (`duplicate`). Raises BadInput for figures that make no sense.
    """

    kind: str
    hosts: tuple[str, ...]
    at: float
    lasts: float
    amount: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"there is no fault '{self.kind}'", f"there are {', '.join(KINDS)}")
        if not self.hosts or (self.kind != "partition" and len(self.hosts) != 1):
            raise BadInput(
                f"{self.kind} is given {len(self.hosts)} hosts",
                "name one host; a partition takes several",
            )
        times = (self.at, self.lasts, self.amount)
        if not all(math.isfinite(time) and time >= 0 for time in times):
            raise BadInput(f"'{self}' has a figure that is negative or not finite", "fix it")
        if self.kind in ("lose", "duplicate") and not 0 < self.amount <= 1:
            raise BadInput(f"'{self}' has no chance from 0 to 1", "write for example: by 0.3")

    def __str__(self) -> str:
        amount = f" by {self.amount:g}" if self.kind in AMOUNTS else ""
        when = f" at {round(self.at, 6):g} for {round(self.lasts, 6):g}"
        return f"{self.kind} {', '.join(self.hosts)}{amount}{when}"

    @property
    def ends(self) -> float:
        """When it ends, in seconds from the moment at which the clients begin."""
        return self.at + self.lasts

    def on(self, link: Link) -> Link:
        """A link of its host while the fault lasts."""
        if self.kind == "slow":
            return dataclasses.replace(link, delay=link.delay + self.amount)
        if self.kind == "lose":
            loss = 1 - (1 - link.loss) * (1 - self.amount)
            return dataclasses.replace(link, loss=min(loss, 1.0))
        return dataclasses.replace(link, duplicate=max(link.duplicate, self.amount))


Schedule: TypeAlias = tuple[PlannedFault, ...]


def parse(text: str) -> PlannedFault:
    """The fault that a text describes, as `str` of a fault writes it. Raises BadInput."""
    found = TEXT.fullmatch(text.strip())
    if found is None:
        raise BadInput(
            f"'{text}' is not a fault", "write for example: kill a at 1.5 for 2 (in seconds)"
        )
    hosts = tuple(name.strip() for name in found["hosts"].split(","))
    try:
        at, lasts, amount = (float(found[name] or 0) for name in ("at", "lasts", "amount"))
    except ValueError:
        raise BadInput(f"'{text}' has a figure that is not a number", "fix it") from None
    return PlannedFault(found["kind"], hosts, at, lasts, amount)


@dataclasses.dataclass(frozen=True)
class Faults:
    """Which faults may happen to a scenario's hosts: at most so many of each kind.

    They hit `hosts` (names, or patterns such as "n*"), or any host if none is named. They begin in
    the first `within` seconds, and each lasts at most `longest` seconds. Raises BadInput if a
    figure makes no sense.
    """

    partition: int = 0
    kill: int = 0
    pause: int = 0
    slow: int = 0
    lose: int = 0
    duplicate: int = 0
    hosts: tuple[str, ...] = ()
    within: float = 5.0
    longest: float = 3.0

    def __post_init__(self) -> None:
        if any(getattr(self, kind) < 0 for kind in KINDS):
            raise BadInput("there cannot be fewer than no faults", "give 0 or more of each kind")
        if self.within < STEP or self.longest < STEP:
            raise BadInput(
                f"faults within {self.within:g} s that last up to {self.longest:g} s",
                f"give at least {STEP:g} s for each",
            )

    def most(self) -> Mapping[str, int]:
        """How many of each kind there may be, without kinds that may not happen."""
        return {kind: getattr(self, kind) for kind in KINDS if getattr(self, kind)}

    def befallen(self, names: Sequence[str]) -> tuple[str, ...]:
        """Which hosts they may hit, in a lab with hosts of these names; unknown names, too."""
        found: dict[str, None] = {}
        for wanted in self.hosts or ("*",):
            found.update(dict.fromkeys(fnmatch.filter(names, wanted) or (wanted,)))
        return tuple(found)

    def draw(self, chance: random.Random, hosts: Sequence[str]) -> Schedule:
        """A schedule drawn by chance, of faults of these hosts, in order."""
        drawn: list[PlannedFault] = []
        for kind, most in self.most().items():
            for _ in range(chance.randint(0, most)):
                drawn.append(self._one(chance, kind, hosts))
        return ordered(drawn)

    def _one(self, chance: random.Random, kind: str, hosts: Sequence[str]) -> PlannedFault:
        count = chance.randint(1, max(1, len(hosts) // 2)) if kind == "partition" else 1
        befallen = tuple(sorted(chance.sample(list(hosts), count)))
        at = chance.randint(0, round(self.within / STEP)) * STEP
        lasts = chance.randint(1, round(self.longest / STEP)) * STEP
        amount = chance.choice(AMOUNTS[kind]) if kind in AMOUNTS else 0.0
        return PlannedFault(kind, befallen, round(at, 6), round(lasts, 6), amount)


def ordered(faults: Sequence[PlannedFault]) -> Schedule:
    """Faults in the order of a schedule: by when they begin."""
    return tuple(sorted(faults, key=lambda one: (one.at, one.kind, one.hosts, one.lasts)))
