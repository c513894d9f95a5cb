"""The system calls of a program, read from what strace(1) printed of them.

Times are since 1970, as `--absolute-timestamps=unix` (or `-ttt`) writes them, to the micro-
or the nanosecond; `--syscall-times` (or `-T`) tells when a call was over.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from echolab.report.pcap import NANOSECONDS

WAITING = frozenset(
    ("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"),
)

NETWORK = WAITING.union(
    ("socket", "bind", "listen", "accept", "accept4", "connect", "shutdown"),
    ("send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg"),
)
"""Calls that are shown; those that wait, whatever they wait for."""

ON_DESCRIPTORS = frozenset(("read", "write", "readv", "writev", "close"))
"""Calls that are shown where their descriptor is a socket."""

MAKE_OTHERS = frozenset(
    ("open", "openat", "creat", "eventfd2", "epoll_create1", "memfd_create"),
)
"""Calls whose result is a descriptor that is no socket, perhaps one that was."""

INTERNET = ("AF_INET,", "AF_INET6,")

PLAIN = {"sendto": "send", "recvfrom": "recv", "accept4": "accept"}
"""The names under which the lecture knows them: the C library turns those into these."""

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
    """One system call on a socket: `at` is when it began, `returned` when it was over.

    Both are nanoseconds since 1970; `returned` is None where the trace does not tell.
    `text` is the call in short, `result` what it gave back, `full` the traced line.
    `program` tells apart the programs that were traced.
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
    """The calls on sockets, in order of time; lines that are no such call are passed over.

    `names` has the host of each address, which is then shown in its place.
    """
    sockets = _Sockets()
    calls = []
    for process, at, whole, end in _whole_lines(text.splitlines()):
        found = CALL.match(whole)
        if found is not None and sockets.concern(process, found):
            call = _call(found, host, at, end, names or {})
            calls.append(dataclasses.replace(call, program=program))
    return tuple(sorted(calls, key=lambda call: call.at))


def _whole_lines(lines: Iterable[str]) -> Iterator[tuple[str, int, str, int | None]]:
    """Process, time, text and end of each call, with the halves of an interrupted one joined."""
    begun: dict[str, tuple[int, str]] = {}
    for line in lines:
        parts = LINE.match(line)
        if parts is None:
            continue
        pid, rest = parts["pid"] or "", parts["rest"]
        at = _nanoseconds(parts["at"])
        half = BEGUN.match(rest)
        if half is not None:
            begun[pid] = (at, f"{half['name']}({half['arguments']}")
            continue
        resumed = RESUMED.match(rest)
        if resumed is None:
            yield pid, at, rest, None
        elif pid in begun:
            started, head = begun.pop(pid)
            tail = resumed["rest"]
            joint = ", " if not tail.startswith(")") and not head.endswith("(") else ""
            yield pid, started, head + joint + tail.lstrip(" ,"), at
    for pid, (started, head) in begun.items():
        yield pid, started, f"{head}) = ?", None


def _nanoseconds(seconds: str) -> int:
    whole, _, part = seconds.partition(".")
    return int(whole) * NANOSECONDS + int(part.ljust(9, "0")[:9])


class _Sockets:
    """Which descriptors are sockets of the Internet, as far as the trace has shown."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._others: set[str] = set()
        self._closed: set[tuple[str, str]] = set()

    def concern(self, process: str, found: re.Match[str]) -> bool:
        """Whether a call is on one of them; what it opens or closes is noted.

        Descriptors are noted for all processes alike, since a trace does not tell which
        of them share theirs, but what one process closed is closed for that one alone.
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


def _call(
    found: re.Match[str], host: str, at: int, end: int | None, names: Mapping[str, str]
) -> Call:
    took = found["took"]
    return Call(
        host,
        0,
        at,
        end if took is None else at + _nanoseconds(took),
        _short(found["name"], STRINGS.sub('""', found["arguments"]), found["arguments"], names),
        _result(found["result"]),
        found.group(0),
    )


def _short(name: str, arguments: str, whole: str, names: Mapping[str, str]) -> str:
    """A call as a reader of the lecture writes it: descriptor, peer, number of bytes.

    `arguments` has its strings emptied, so that nothing in a payload looks like a number
    or an address; the address itself is a string of the `whole`, behind all others.
    """
    shown = PLAIN.get(name, name)
    address = ADDRESS.search(whole, whole.rfind("{sa_family=")) if "_port=" in arguments else None
    if address is not None and name in ("sendto", "recvfrom"):
        shown = name
    descriptor = arguments.partition(",")[0].strip()
    if name in WAITING:
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
    """The length that write(2) or sendto(2) was given: the number behind the buffer."""
    behind = re.search(r'"",\s*(\d+)', arguments)
    return behind[1] if behind else ""


def _result(result: str) -> str:
    """What came back: a number, or the name of the error (`-1 ECONNREFUSED (…)`)."""
    words = result.split()
    if words[:1] == ["?"]:
        return "?"
    if len(words) > 1 and words[0] == "-1":
        return words[1]
    return words[0] if words else "?"


def of_record(record: Mapping[str, Any]) -> tuple[Call, ...]:
    """The calls of every program of a record that was traced, in order of time."""
    names: dict[str, str] = {}
    for host in record["hosts"]:
        names |= {host[kind]: host["name"] for kind in ("ip", "ip6") if host.get(kind)}
    calls = [
        call
        for number, program in enumerate(record.get("programs", ()))
        if program.get("calls")
        for call in parse(program["calls"], program["host"], names, number)
    ]
    return tuple(sorted(calls, key=lambda call: call.at))
