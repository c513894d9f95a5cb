"""What a probe is asked to do, read from its arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from echo_app.message import SMALLEST
from echo_app.pacing import SECOND, Plan

PROTOCOLS = ("udp", "tcp", "tcp-connect")

USAGE = """\
usage: python3 -m echo_app.probe TARGET [options]
  --protocol P      udp (default), tcp (one connection) or tcp-connect (one per message)
  --count N         number of messages (10)
  --size BYTES      size of each message (64), at least 16
  --interval S      seconds from one message to the next (0.02);
                    0: send the next when the last has been answered or has timed out
  --timeout S       seconds after which an answer is late (1)
  --linger S        seconds to wait for late replies after the last message's timeout
                    (udp: the same as --timeout; streams: 120)
  --port N          port of the target (7)
  --source-port N   port of this host; with tcp-connect, message k leaves from port N + k"""

_LARGEST = {"udp": 65507, "tcp": 1 << 20, "tcp-connect": 1 << 20}
"""Bytes; for datagrams, the most that UDP over IPv4 can carry (RFC 791, RFC 768)."""

_MOST = 1_000_000
_STREAM_LINGER = 120.0


class Wrong(ValueError):
    """An argument that cannot be used; the message says which and why."""


class Request(NamedTuple):
    """A probe. Times are seconds, sizes bytes; with `source_port` 0 the kernel chooses one."""

    target: str
    protocol: str = "udp"
    messages: int = 10
    size: int = 64
    interval: float = 0.02
    timeout: float = 1.0
    linger: float = 1.0
    port: int = 7
    source_port: int = 0

    def plan(self) -> Plan:
        """The schedule in nanoseconds."""
        times = (self.interval, self.timeout, self.linger)
        return Plan(self.messages, *(round(seconds * SECOND) for seconds in times))


def parse(arguments: Sequence[str]) -> Request:
    """Read a probe's arguments (without the program's name). Raises Wrong.

    Strategy: this parses by hand, because importing argparse in the guest takes longer
    than a short probe takes to run.
    """
    targets, given = _split(arguments)
    if len(targets) != 1:
        raise Wrong(f"exactly one target is needed, not {len(targets)}")
    if not targets[0]:
        raise Wrong("the target's name is empty: give a name or an address")
    protocol = given.get("protocol", "udp")
    if protocol not in PROTOCOLS:
        raise Wrong(f"--protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
    timeout = _seconds(given, "timeout", 1.0, least=0.000001, most=3600)
    linger = timeout if protocol == "udp" else _STREAM_LINGER
    request = Request(
        target=targets[0],
        protocol=protocol,
        messages=_whole(given, "count", 10, 1, _MOST),
        size=_whole(given, "size", 64, SMALLEST, _LARGEST[protocol]),
        interval=_seconds(given, "interval", 0.02, least=0, most=3600),
        timeout=timeout,
        linger=_seconds(given, "linger", linger, least=0, most=86400),
        port=_whole(given, "port", 7, 1, 65535),
        source_port=_whole(given, "source-port", 0, 0, 65535),
    )
    last_port = request.source_port + request.messages - 1
    if protocol == "tcp-connect" and request.source_port and last_port > 65535:
        raise Wrong(f"--source-port {request.source_port}: too few ports for {request.messages}")
    return request


_OPTIONS = ("protocol", "count", "size", "interval", "timeout", "linger", "port", "source-port")


def _split(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Targets, and the values of the options: `--name VALUE` or `--name=VALUE`."""
    targets: list[str] = []
    given: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            targets.append(argument)
            continue
        name, equals, value = argument.removeprefix("--").partition("=")
        if name not in _OPTIONS or not argument.startswith("--"):
            raise Wrong(f"unknown option {argument!r}")
        if not equals:
            following = next(rest, None)
            if following is None:
                raise Wrong(f"--{name} needs a value")
            value = following
        given[name] = value
    return targets, given


def _whole(given: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name, str(default))
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise Wrong(f"--{name} {text!r}: give a whole number from {least} to {most}")
    return value


def _seconds(
    given: dict[str, str], name: str, default: float, *, least: float, most: float
) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise Wrong(f"--{name} {text!r}: give seconds from {least:g} to {most:g}")
    return value
