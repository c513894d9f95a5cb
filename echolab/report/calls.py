"""A program's system calls, parsed from the output of strace(1).

Times count from 1970, as `--absolute-timestamps=unix` (or `-ttt`) writes them, to the
microsecond or nanosecond; `--syscall-times` (or `-T`) tells when a call returned.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from echolab.record import Record
from echolab.report.pcap import NANOSECONDS

WAITING = frozenset(
    ("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"),
)

PAUSING = frozenset(("nanosleep", "clock_nanosleep", "restart_syscall", "wait4", "futex"))
"""Calls in which a program waits for something else than the network."""

NETWORK = WAITING.union(
    ("socket", "bind", "listen", "accept", "accept4", "connect", "shutdown"),
    ("send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg"),
)
"""Calls to show; calls that wait are shown whatever they wait for."""

ON_DESCRIPTORS = frozenset(("read", "write", "readv", "writev", "close"))
"""Calls to show if their descriptor is a socket."""

MAKE_OTHERS = frozenset(
    ("open", "openat", "creat", "eventfd2", "epoll_create1", "memfd_create"),
)
"""Calls that return a non-socket descriptor, which may reuse the number of a closed socket."""

INTERNET = ("AF_INET,", "AF_INET6,")

PLAIN = {"sendto": "send", "recvfrom": "recv", "accept4": "accept"}
"""The names that the lecture uses: the C library maps them to these system calls."""

LINE = re.compile(
    r"^(?:\[pid +)?(?P<pid>\d+)?\]? *(?P<at>\d{9,}\.\d+) (?P<rest>.*)$",
)
CALL = re.compile(
    r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>.*?)(?: <(?P<took>\d+\.\d+)>)?$"
)
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?')
BEGUN = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*?),? ?<unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
ADDRESS = re.compile(
    r"sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6?, )"
    r"\"(?P<address>[^\"]+)\"",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Call:
    """One system call on a socket: `at` is when it began, `returned` when it returned.

    Both are nanoseconds since 1970; `returned` is None if the trace does not say.
    `text` is the call in short form, `result` what it returned, `full` the traced line.
    `program` identifies the traced program.
    """

    host: str
    program: int
    at: int
    returned: int | None
    text: str
    result: str
    full: str


def parse(
    text: str, host: str, names: Mapping[str, str] | None = None, program: int = 0
) -> tuple[Call, ...]:
    """The calls on sockets, in order of time; all other lines are skipped.

    `names` maps each address to the host that is shown in its place.
    """
    sockets = _Sockets()
    calls = []
    for told in _whole_lines(text.splitlines()):
        found = CALL.match(told.text)
        if found is not None and sockets.concern(told.process, found):
            made = call(found, host, told, names or {})
            calls.append(dataclasses.replace(made, program=program))
    return tuple(sorted(calls, key=lambda call: call.at))


@dataclasses.dataclass(frozen=True)
class Told:
    """What a line tells of a call: its process, when it began, its text so far.

    `end` is when it returned, of a call whose halves were joined; `half` if that is still to come.
    Times are nanoseconds since 1970.
    """

    process: str
    at: int
    text: str
    end: int | None = None
    half: bool = False


class Halves:
    """Joins the two lines of each call that another process interrupted in the trace."""

    def __init__(self) -> None:
        self._begun: dict[str, Told] = {}

    def take(self, line: str) -> Told | None:
        """What the next line tells; None if it is about no call."""
        parts = LINE.match(line)
        if parts is None:
            return None
        process, at, rest = parts["pid"] or "", _nanoseconds(parts["at"]), parts["rest"]
        half = BEGUN.match(rest)
        if half is not None:
            told = Told(process, at, f"{half['name']}({half['arguments']}", half=True)
            self._begun[process] = told
            return told
        resumed = RESUMED.match(rest)
        if resumed is None:
            return Told(process, at, rest)
        begun = self._begun.pop(process, None)
        return begun and Told(process, begun.at, _joined(begun.text, resumed["rest"]), at)

    def left(self) -> tuple[Told, ...]:
        """The calls whose second half has not come."""
        return tuple(self._begun.values())


def _whole_lines(lines: Iterable[str]) -> Iterator[Told]:
    """Each call, whole; one whose second half is missing has not returned."""
    halves = Halves()
    for line in lines:
        told = halves.take(line)
        if told is not None and not told.half:
            yield told
    for told in halves.left():
        yield dataclasses.replace(told, text=f"{told.text}) = ?")


def _joined(head: str, tail: str) -> str:
    joint = ", " if not tail.startswith(")") and not head.endswith("(") else ""
    return head + joint + tail.lstrip(" ,")


def _nanoseconds(seconds: str) -> int:
    whole, _, part = seconds.partition(".")
    return int(whole) * NANOSECONDS + int(part.ljust(9, "0")[:9])


class _Sockets:
    """Which descriptors are Internet sockets, as far as the trace shows."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._others: set[str] = set()
        self._closed: set[tuple[str, str]] = set()

    def concern(self, process: str, found: re.Match[str]) -> bool:
        """Whether a call is on one of them; also notes what it opens or closes.

        An open descriptor counts for every process, because a trace does not tell which
        processes share theirs. A closed one is closed only for the process that closed it.
        """
        name, arguments = found["name"], found["arguments"]
        result = found["result"].split()[0] if found["result"] else ""
        descriptor = arguments.partition(",")[0].strip()
        if name in WAITING:
            return True
        if name in MAKE_OTHERS:
            self._closed.add((process, result))
            return False
        if name == "socket":
            return self._opened(process, result, arguments.startswith(INTERNET))
        if name in ON_DESCRIPTORS:
            ours = descriptor in self._known and (process, descriptor) not in self._closed
            if ours and name == "close":
                self._closed.add((process, descriptor))
            return ours
        if name not in NETWORK or descriptor in self._others:
            return False
        if name in ("accept", "accept4"):
            self._opened(process, result, True)
        return True

    def _opened(self, process: str, descriptor: str, ours: bool) -> bool:
        (self._known if ours else self._others).add(descriptor)
        (self._others if ours else self._known).discard(descriptor)
        self._closed.discard((process, descriptor))
        return ours


def call(found: re.Match[str], host: str, told: Told, names: Mapping[str, str]) -> Call:
    """The call that was told, whose text is that of `CALL`."""
    took = found["took"]
    return Call(
        host,
        0,
        told.at,
        told.end if took is None else told.at + _nanoseconds(took),
        short(found["name"], found["arguments"], names),
        _result(found["result"]),
        found.group(0),
    )


def short(name: str, arguments: str, names: Mapping[str, str]) -> str:
    """A call in short form, whose arguments need not be complete yet."""
    return _short(name, STRINGS.sub('""', arguments), arguments, names)


def _short(name: str, arguments: str, whole: str, names: Mapping[str, str]) -> str:
    """A call as the lecture writes it: descriptor, peer, number of bytes.

    The strings in `arguments` are emptied, so that nothing in a payload looks like a number
    or an address; the address itself is the last string in `whole`.
    """
    shown = PLAIN.get(name, name)
    address = ADDRESS.search(whole, whole.rfind("{sa_family=")) if "_port=" in arguments else None
    if address is not None and name in ("sendto", "recvfrom"):
        shown = name
    descriptor = arguments.partition(",")[0].strip()
    if name in WAITING or name in PAUSING:
        return f"{shown}(…)"
    if name == "socket":
        kind = "SOCK_DGRAM" if "SOCK_DGRAM" in arguments else "SOCK_STREAM"
        return f"{shown}({kind})"
    words = [descriptor]
    if name in ("listen", "shutdown"):
        words = [word.strip() for word in arguments.split(",")]
    if name in ("write", "sendto", "send") and (size := _size(arguments)):
        words.append(f"{size} bytes")
    if address is not None and name != "recvfrom":
        words.append(f"{names.get(address['address'], address['address'])}:{address['port']}")
    return f"{shown}({', '.join(words)})"


def _size(arguments: str) -> str:
    """The length passed to write(2) or sendto(2): the number after the buffer."""
    behind = re.search(r'"",\s*(\d+)', arguments)
    return behind[1] if behind else ""


def _result(result: str) -> str:
    """What the call returned: a number, or the name of the error (`-1 ECONNREFUSED (…)`)."""
    words = result.split()
    if words[:1] == ["?"]:
        return "?"
    if len(words) > 1 and words[0] == "-1":
        return words[1]
    return words[0] if words else "?"


def of_record(record: Record) -> tuple[Call, ...]:
    """The calls of every traced program in a record, in order of time."""
    names: dict[str, str] = {}
    for host in record.hosts:
        ways = [(host.ip, host.ip6), *((one.ip, one.ip6) for one in host.interfaces)]
        if not host.shares:
            names |= {address: host.name for way in ways for address in way if address}
    calls = [
        call
        for number, program in enumerate(record.programs)
        if program.calls
        for call in parse(program.calls, program.host, names, number)
    ]
    return tuple(sorted(calls, key=lambda call: call.at))
