"""Memory of forked processes in the guest, filled at once.

Strategy: a page that is touched for the first time, or after a fork, costs a switch to the guest's
kernel and back, and a forked interpreter touches a thousand; its parent, whose pages a fork takes
the right to write from, touches hundreds again. One call that fills them all costs less. It is
made before any other code of the child runs, so the functions that do it must be the first that
are registered.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from typing import Final

MCL_CURRENT, MCL_FUTURE = 1, 2

FREE_PART: Final = 2
"""Programs are filled while one part in so many of the guest's memory is free: a filled one has
three times the memory of its own that it would have."""

NOTHING, FOR_GOOD, FOR_NOW = range(3)
"""What is done to the next child: nothing; filled, and whatever it asks for later, too; filled
once, and its parent again."""

MADV_POPULATE_WRITE = 23

SMALLEST = 1 << 16
"""Bytes of a range that is worth a call of its own."""

OWN_CHILDREN: Final = 2
"""How many children of a program are filled, too: as many as the lab's server has."""

MAPS = "/proc/self/maps"

_libc = ctypes.CDLL(None)
_mlockall, _munlockall, _madvise = _libc.mlockall, _libc.munlockall, _libc.madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


class _Next:
    """What is done at this process's next fork, and whether it fills memory at all.

    `own` is how many more children of a program's own are filled; `ranges` are the places and
    sizes of the memory that is written to.
    """

    filling = False
    child = NOTHING
    own = 0
    ranges: tuple[tuple[int, int], ...] = ()


def fill_for_good() -> None:
    """Have this process's memory filled at once, now and whenever it grows (mlockall(2)).

    Memory that is filled at once lies in few pieces, and what the guest's kernel maps for
    a forked child it maps piece by piece (arch/um/kernel/tlb.c).
    """
    _mlockall(MCL_CURRENT | MCL_FUTURE)


def begin() -> None:
    """Fill this process's memory, and from now on that of the children that are asked for.

    To be called in the guest alone, before anybody else registers what is done at a fork.
    """
    fill_for_good()
    os.register_at_fork(after_in_child=_in_child, after_in_parent=_in_parent)
    _Next.filling = True


def note_ranges() -> None:
    """Note which memory this process writes to, once; a program has no right to fill the rest.

    The clock, each look at which costs lab time, is not looked at.
    """
    if not _Next.filling or _Next.ranges:
        return
    descriptor = os.open(MAPS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = b"".join(iter(lambda: os.read(descriptor, SMALLEST), b""))
    finally:
        os.close(descriptor)
    _Next.ranges = tuple(_ranges(text.decode()))


def _ranges(maps: str) -> Iterator[tuple[int, int]]:
    """The place and size of each large private writable range (proc_pid_maps(5))."""
    for line in maps.splitlines():
        place, rights = line.split()[:2]
        first, end = (int(number, 16) for number in place.split("-"))
        if rights[1] == "w" and rights[3] == "p" and end - first >= SMALLEST:
            yield first, end - first


def _fill_ranges() -> None:
    """Fill what was noted; what is there no more, or is refused, is filled page by page."""
    for place, size in _Next.ranges:
        _madvise(place, size, MADV_POPULATE_WRITE)


@contextlib.contextmanager
def filled_child() -> Iterator[None]:
    """Within it, a forked child's memory is filled for good."""
    with _next(FOR_GOOD):
        yield


@contextlib.contextmanager
def filled_program() -> Iterator[None]:
    """Within it, a forked child is filled once, as the program that it becomes expects.

    Its parent is filled again. Nothing is done if little memory is free.
    """
    wanted = _Next.filling and _is_roomy()
    with _next(FOR_NOW if wanted else NOTHING):
        yield


@contextlib.contextmanager
def _next(what: int) -> Iterator[None]:
    _Next.child = what
    try:
        yield
    finally:
        _Next.child = NOTHING


def _is_roomy() -> bool:
    return os.sysconf("SC_AVPHYS_PAGES") * FREE_PART > os.sysconf("SC_PHYS_PAGES")


def _in_child() -> None:
    what, _Next.child = _Next.child, NOTHING
    if what == FOR_GOOD:
        fill_for_good()
    elif what == FOR_NOW:
        _mlockall(MCL_CURRENT)
        _munlockall()
        _Next.own = OWN_CHILDREN
    elif _Next.own:
        _Next.own = 0
        _fill_ranges()


def _in_parent() -> None:
    if _Next.child == FOR_NOW:
        fill_for_good()
    elif _Next.own:
        _Next.own -= 1
        _fill_ranges()
