"""What a run leaves, as frozen values: a record holds facts, and the verdicts on them.

Times are lab seconds unless a name says otherwise. Names that scripts may rely on are listed
in docs/record.md; `echolab.record.format` reads and writes these values as JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeGuard

from echolab.errors import BadInput
from echolab.history.values import Workload
from echolab.intervention import Intervention
from echolab.job import ParameterValue
from echolab.link import Link
from echolab.record.probe import Probe
from echolab.schedule import PlannedFault

Verdict: TypeAlias = Literal["pass", "fail", "inconclusive", "not applicable"]
"""The judge's verdict on a claim, a check or a run; only a claim can be not applicable."""

Answer: TypeAlias = Literal["holds", "holds only", "does not hold", "not decided"]
"""A run's answer to the sentence that its scenario examines."""

PASS: Final = "pass"  # noqa: S105 (a verdict)
FAIL: Final = "fail"
INCONCLUSIVE: Final = "inconclusive"
NOT_APPLICABLE: Final = "not applicable"

Json: TypeAlias = object
"""Any value that a JSON document can hold: from a script or another program."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """One thing that a scenario says must hold, as data that the judge understands.

    `kind` is `holds` (then `holds` says whether), `rate` (`seen` of `of` trials, each with chance
    `theory`), `range` (`seen` lies between `low` and `high`), `history` (the history named
    `history` is `word` by the model `model`, judged by reads from `after` seconds after the last
    fault where the word needs that) or `not applicable`, if theory does not cover the case. `step`
    is the heading under which the scenario stated it, `reason` the scenario's own reason why it
    must hold, or is not applicable. The judge adds `verdict` and `why`. Raises BadInput if a kind
    lacks its figures.
    """

    kind: str
    text: str
    seen: Json = None
    theory: Json = None
    why: str = ""
    holds: bool | None = None
    of: int | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    step: str = ""
    reason: str = ""
    history: str = ""
    word: str = ""
    model: str = ""
    after: float = 0.0
    verdict: Verdict = INCONCLUSIVE

    def __post_init__(self) -> None:
        if self.kind == "rate":
            _ = self.trials
        elif self.kind == "range":
            _ = self.figure
        elif self.kind == "holds" and self.holds is None:
            raise BadInput("a claim of kind 'holds' must say whether it does", "set 'holds'")

    @property
    def trials(self) -> tuple[int, int, float]:
        """`seen`, `of` and `theory` of a rate. Raises BadInput if they cannot be one."""
        seen, of, theory = self.seen, self.of, self.theory
        if not _whole(seen) or of is None or not _number(theory):
            raise BadInput("a rate needs numbers as 'seen', 'of' and 'theory'", "give all three")
        if not 0 <= seen <= of or not 0 <= theory <= 1:
            raise BadInput(
                f"{seen} of {of} with a chance of {theory:g} is not a rate", "give 0 <= seen <= of"
            )
        return seen, of, theory

    @property
    def figure(self) -> float | None:
        """`seen` of a range, None if there was nothing to measure. Raises BadInput for text."""
        if self.seen is not None and not _number(self.seen):
            raise BadInput("a range needs a number as 'seen'", "give a number, or null")
        return self.seen


def _whole(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Json) -> TypeGuard[float]:
    """Whether it is a number that can be calculated with: finite, and no huge whole number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


@dataclasses.dataclass(frozen=True)
class Conclusion:
    """A run's result for the sentence that its scenario examines.

    `holds` and `seen` are the scenario's: whether the figures support the sentence (None if they
    cannot tell), and what they show, in words. `only` limits the sentence. `answer` is the judge's:
    a run decides nothing that its claims do not support.
    """

    holds: bool | None
    seen: str
    only: str = ""
    answer: Answer = "not decided"


@dataclasses.dataclass(frozen=True)
class Note:
    """Something that a scenario wrote down without claiming it.

    `subject` is the kind of note, `text` is what happened, and `value` anything more.
    """

    at: float
    subject: str
    text: str = ""
    value: Json = None


FAULTS: Final = ("kill", "pause", "resume", "restart", "partition", "heal")


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that a scenario did to hosts, or took back: its `kind` is one of `FAULTS`.

    What fails fails at `at`; what is restored is restored at `at`.
    `groups` are the parts of a partition.
    """

    at: float
    kind: str
    hosts: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()


LIVES: Final = (
    "ended", "started again", "given up", "healthy", "unhealthy", "check failed", "went on without"
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Life:
    """Something that happened to the service of a host by itself: its `kind` is one of `LIVES`.

    `at` is negative while the lab came up. `status` is the exit status of a service that ended or
    of a check. `said` holds last words; of several checks that failed in a row, only the first
    one's. `lost` says that the host ended with its service, and its kernel's counts with it;
    otherwise the host goes on.
    """

    at: float
    host: str
    kind: str
    status: int | None = None
    said: str = ""
    lost: bool = False


@dataclasses.dataclass(frozen=True)
class Check:
    """One proof of the run's own network: its name, `pass` or `inconclusive`, and why."""

    name: str
    verdict: Verdict
    why: str


@dataclasses.dataclass(frozen=True)
class TcCommand:
    """One `tc` command: when it ran, on which host, its arguments.

    `read_back` is the JSON that tc printed if the command read a link back; `differs` says how that
    link differs from the requested one, one line each.
    """

    at: float
    host: str
    argv: tuple[str, ...]
    read_back: Json = None
    differs: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A stretch of time in which a host's links on a network did not change.

    `handed` and `dropped` are the packets that its queues took in and dropped meanwhile.
    """

    host: str
    links: tuple[Link, ...]
    began: float
    ended: float
    handed: int
    dropped: int
    network: str = "default"


@dataclasses.dataclass(frozen=True)
class ProgramRun:
    """A program that ended on a host.

    `status` is the exit status, or minus the number of the signal that ended it, or
    None if a time limit ended it. An engine that learns of ends from a shell (docker)
    cannot tell the exit status 128 + N from signal N, and says the signal. `started` and
    `ended` are lab seconds.
    `calls` are the system calls as strace(1) prints them, each with its time since 1970
    and how long it took, where asked for.
    """

    host: str
    argv: tuple[str, ...]
    status: int | None
    stdout: str
    stderr: str
    started: float
    ended: float
    calls: str = ""


@dataclasses.dataclass(frozen=True)
class Capture:
    """One packet capture: a pcap file, seen on `host`, `where` before or after its link.

    `before-link` holds what the host handed to its link; `after-link` what the link let
    through and what the host received, on `network`. `lost` are the packets that came too
    fast to be kept: the file lacks them. A record names the file within the run's folder, and
    its SHA-256.
    """

    host: str
    where: str
    file: str
    sha256: str = ""
    lost: int = 0
    network: str = "default"


@dataclasses.dataclass(frozen=True)
class Traits:
    """What an engine is like, so that nobody needs to ask for its name.

    In `virtual` time computing takes no time, whatever the machine does meanwhile: a time is exact,
    the same job leaves the same bytes again, and jobs that run side by side do not disturb one
    another. `lookups` says that looking up a host's name costs datagrams, which the host's kernel
    counts. `firewalled` says that the machine's own firewall rules may apply to packets that cross
    the bridge between the hosts.
    """

    virtual: bool = False
    lookups: bool = False
    firewalled: bool = False


@dataclasses.dataclass(frozen=True)
class Counters:
    """What the kernel counted on one host, in packets, since its namespace was made.

    `ip_out` are IP packets of both versions handed to the devices, including forwarded ones;
    `ip_in` are those that devices handed up; packets over the loopback device are in neither.
    `sent` and `received` are the devices' own; `carried`, `dropped` and `queued` are those of the
    links' queues (0 on an unshaped host); `chosen` are the packets that were dropped by number;
    `handed` are those handed to the links while they were shaped, None if that is not known;
    `framed` are the same counted by a device on their way, None without one: it counts ARP too, and
    each segment of a burst that is one packet to IP (udp(7), UDP_SEGMENT); `named` are all the
    others by their name in /proc/net/snmp and /proc/net/netstat, "Tcp.RetransSegs" for example.
    """

    ip_out: int
    ip_in: int
    sent: int
    received: int
    carried: int = 0
    dropped: int = 0
    queued: int = 0
    chosen: int = 0
    handed: int | None = 0
    framed: int | None = None
    named: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Readings:
    """The counters of every host by its name, before the scenario and after it.

    Raises BadInput if a host was counted only once.
    """

    before: Mapping[str, Counters] = dataclasses.field(default_factory=dict)
    after: Mapping[str, Counters] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        once = sorted(self.before.keys() ^ self.after.keys())
        if once:
            raise BadInput(
                f"'before' and 'after' must both count '{once[0]}'", "count every host twice"
            )


@dataclasses.dataclass(frozen=True)
class InterfaceAddress:
    """A host's connection to one network: its device, and its addresses there."""

    network: str
    device: str
    ip: str
    mac: str
    ip6: str | None = None


@dataclasses.dataclass(frozen=True)
class HostAddress:
    """A host and where it is on its first network; `ip6` is None without IPv6.

    `interfaces` has its connections to all its networks. A host on no network has empty addresses.
    `shares` names the host whose devices it uses instead of its own.
    """

    name: str
    ip: str
    mac: str
    ip6: str | None = None
    interfaces: tuple[InterfaceAddress, ...] = ()
    shares: str = ""


@dataclasses.dataclass(frozen=True)
class GuestKernel:
    """The kernel that a run in virtual time booted: its source, and its digest."""

    source: str
    digest: str


@dataclasses.dataclass(frozen=True)
class RootUsed:
    """The root of a host with an image's files: the image's name, and the root's digest."""

    host: str
    image: str
    digest: str


@dataclasses.dataclass(frozen=True)
class Lateness:
    """How busy the machine was during a run in real time.

    `overall` is by how many seconds short sleeps came late (90th percentile), `by_second` the same
    for each whole lab second. `waiting` is the share of the time in which any program waited for a
    processor, None if the kernel does not tell.
    """

    overall: float
    by_second: tuple[float, ...] = ()
    waiting: float | None = None


MAY_DIFFER = "may differ from run to run: "
"""The beginning of a warning that names what an exact run cannot repeat."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """The properties in which two machines may differ so that an exact run differs, too."""

    system: str
    processor: str
    root: str


@dataclasses.dataclass(frozen=True)
class Versions:
    """The versions of what a run used, each None if it was not used or is not known.

    `python` ran the scenario; `docker` is the version of the Engine.
    """

    echolab: str | None = None
    python: str | None = None
    tc: str | None = None
    strace: str | None = None
    docker: str | None = None
    compose: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that is known of one run.

    `picture` and `stretch` name what shows the sentence best, of the figures and of the packet
    story; `then` is what to try next, as words of the command line.
    `epoch` is the second since 1970 at lab second 0. `baseline` are probes from before anything
    was shaped; `schedule` are the faults that were planned for the time in which clients work,
    `faults` those that came of it, `interventions` what somebody did who watched, and looked
    every `watched` lab seconds, with the programs' calls `followed`. What only the process outside
    the lab knows (wall time, the files that the run was made of, the machine) is None until it has
    been added; `checks` and `verdict` are the judge's, which a record that nobody has judged lacks.
    """

    scenario: str
    sentence: str = ""
    summary: str = ""
    expect: str = ""
    picture: str = ""
    stretch: str = ""
    then: str = ""
    parameters: Mapping[str, ParameterValue] = dataclasses.field(default_factory=dict)
    engine: str
    traits: Traits = Traits()
    seed: int
    kernel: str
    link_by: str
    link_kernel: str
    lab_seconds: float
    epoch: float | None = None
    hosts: tuple[HostAddress, ...] = ()
    warnings: tuple[str, ...] = ()
    commands: tuple[TcCommand, ...] = ()
    links: tuple[Stretch, ...] = ()
    baseline: tuple[Probe, ...] = ()
    probes: tuple[Probe, ...] = ()
    programs: tuple[ProgramRun, ...] = ()
    notes: tuple[Note, ...] = ()
    faults: tuple[Fault, ...] = ()
    schedule: tuple[PlannedFault, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    watched: float | None = None
    followed: bool | None = None
    histories: tuple[Workload, ...] = ()
    lives: tuple[Life, ...] = ()
    printed: str = ""
    counters: Readings = dataclasses.field(default_factory=Readings)
    claims: tuple[Claim, ...] = ()
    conclusion: Conclusion | None = None
    captures: tuple[Capture, ...] = ()
    versions: Versions = Versions()
    guest_kernel: GuestKernel | None = None
    roots: tuple[RootUsed, ...] = ()
    lateness: Lateness | None = None
    wall_seconds: float | None = None
    started: str | None = None
    script: str | None = None
    compose: str | None = None
    machine: Machine | None = None
    checks: tuple[Check, ...] = ()
    verdict: Verdict = INCONCLUSIVE
