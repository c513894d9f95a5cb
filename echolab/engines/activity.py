"""What a lab does now, in words: which program runs, for how long, and what was seen so far."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Final

from echolab.language import later
from echolab.language import translate as _
from echolab.progress import duration

PROBE: Final = "echo_app.probe"

SOURCE: Final = "\n# "
"""What precedes a program's name at the end of its text (`Programs.python`)."""

KINDS: Final = {
    "udp": later("{count} datagrams"),
    "tcp": later("{count} stream messages"),
    "tcp-connect": later("{count} streams"),
}

LONGEST: Final = 60
"""The most characters of a program's words that are shown."""


def program(argv: Sequence[str]) -> str:
    """A program's name for people: never its source."""
    words = list(argv)
    if words[1:2] == ["-c"] and len(words) > 2:
        name = words[2].rstrip().rpartition(SOURCE)[2] if SOURCE in words[2] else ""
        words = [name if name and "\n" not in name else words[0], *words[3:]]
    elif words[1:2] == ["-m"]:
        words = words[2:]
    text = " ".join(" ".join(words).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a probe must do: how many messages, by which protocol, in about how many seconds."""

    target: str
    protocol: str
    count: int
    seconds: float


def probe(argv: Sequence[str]) -> Plan | None:
    """The plan of a program that is a probe; None for any other."""
    words = list(argv)
    if PROBE not in words:
        return None
    options = dict(itertools.pairwise(words))
    try:
        protocol = options["--protocol"]
        count, interval = int(options["--count"]), float(options["--interval"])
        patience = float(options.get("--timeout", "0")) if protocol == "udp" else 0.0
    except (KeyError, ValueError):
        return None
    return Plan(options[PROBE], protocol, count, count * interval + patience)


def line(scenario: str, host: str, argv: Sequence[str], passed: float) -> str:
    """What goes on while a program runs on a host, `passed` seconds after its start.

    With what `Losses` adds it fits a terminal of 80 columns.
    """
    plan = probe(argv)
    if plan is None:
        runs = _("{scenario}: {host} runs {program}")
        return runs.format(scenario=scenario, host=host, program=program(argv))
    sends = _("{scenario}: {host} to {target}, {messages}")
    messages = _(KINDS[plan.protocol]).format(count=plan.count)
    what = sends.format(scenario=scenario, host=host, target=plan.target, messages=messages)
    if plan.seconds < 2:
        return what
    of = _("{passed} of about {duration}")
    return f"{what}, {of.format(passed=f'{passed:.0f}', duration=duration(plan.seconds))}"


class Losses:
    """What a host's kernel has counted since a probe began: the answers still missing.

    `read` returns the text of the host's /proc/net/snmp.
    """

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._last: tuple[int, int, int] | None = None
        self._base = (0, 0, 0)
        self._argv: Sequence[str] = ()

    def __call__(self, argv: Sequence[str], protocol: str) -> str:
        """What to say about the probe with these words, which began after the last call."""
        now = counts(self._read())
        if argv != self._argv:
            self._argv, self._base = argv, self._last or now
        self._last = now
        sent, received, again = (new - old for new, old in zip(now, self._base, strict=True))
        if protocol == "udp":
            return ", " + _("{count} unanswered").format(count=max(0, sent - received))
        return ", " + _("{count} sent again").format(count=again)


def counts(snmp: str) -> tuple[int, int, int]:
    """Datagrams sent and received, and segments sent again, as /proc/net/snmp has them."""
    found: dict[str, dict[str, int]] = {}
    rows = [row.split() for row in snmp.splitlines() if row]
    for names, values in zip(rows[::2], rows[1::2], strict=False):
        found[names[0]] = dict(zip(names[1:], map(int, values[1:]), strict=True))
    udp, tcp = found["Udp:"], found["Tcp:"]
    return udp["OutDatagrams"], udp["InDatagrams"], tcp["RetransSegs"]
