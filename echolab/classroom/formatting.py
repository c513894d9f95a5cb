"""How bytes, links and errors appear in the steps and failures of a case."""

from __future__ import annotations

import dataclasses
import errno
import os

from echolab.link import Link

LONGEST = 48
"""The most bytes that are shown without shortening."""

AROUND = 12
"""Bytes shown on either side of the first difference."""


def octets(data: bytes) -> str:
    """Bytes as Python writes them, shortened, with their count: `b'Wir' (3 bytes)`."""
    shown = f"{data!r}"
    if len(data) > LONGEST:
        shown = f"{data[: LONGEST // 2]!r} … {data[-LONGEST // 4 :]!r}"
    return f"{shown} (1 byte)" if len(data) == 1 else f"{shown} ({len(data)} bytes)"


def difference(expected: bytes, seen: bytes) -> tuple[str, str]:
    """Expected and seen bytes as text, around the place where they first differ."""
    if len(expected) <= LONGEST and len(seen) <= LONGEST:
        return octets(expected), octets(seen)
    pairs = zip(expected, seen, strict=False)
    shorter = min(len(expected), len(seen))
    first = next((at for at, (one, other) in enumerate(pairs) if one != other), shorter)
    start = max(0, first - AROUND)
    return _around(expected, start, first), _around(seen, start, first)


def _around(data: bytes, start: int, first: int) -> str:
    part = data[start : first + AROUND]
    return f"{len(data)} bytes, from byte {start}: {part!r}"


def error(problem: OSError) -> str:
    """A system error by name and message: `ECONNREFUSED, connection refused`."""
    if isinstance(problem, TimeoutError) and problem.errno is None:
        return "no answer in time"
    if problem.errno is None:
        return str(problem)
    name = errno.errorcode.get(problem.errno, str(problem.errno))
    return f"{name}, {os.strerror(problem.errno).lower()}"


def link(value: Link) -> str:
    """A link in words: what it does to packets, as `delay 0.05 s, loss 10 %`."""
    words = []
    for field in dataclasses.fields(value):
        setting = getattr(value, field.name)
        if setting == field.default or setting is None:
            continue
        if field.name == "delay":
            words.append(f"delay {setting:g} s")
        elif field.name == "jitter":
            words.append(f"jitter {setting:g} s")
        elif field.name in ("loss", "duplicate", "reorder", "corrupt"):
            words.append(f"{field.name} {setting:.0%}")
        elif field.name == "drop":
            words.append(f"drop of packet {', '.join(map(str, setting))}")
        elif field.name == "toward":
            words.append(f"toward {setting}")
        else:
            words.append(f"{field.name} {setting:g}" if setting else field.name)
    return f"a link with {', '.join(words)}" if words else "a clean link"
