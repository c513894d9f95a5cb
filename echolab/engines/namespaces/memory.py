"""Memory of forked processes in the guest, copied at once.

Strategy: a page that is touched for the first time, or after a fork, costs a switch to the guest's
kernel and back, and a forked interpreter writes to most of its pages. So the guest's kernel copies
them at the fork (echolab/kernel/lab.c): then the parent's stay as they are, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from typing import Final

from echolab.engines.namespaces import linux

MCL_CURRENT, MCL_FUTURE = 1, 2

FREE_PART: Final = 2
"""Memory of programs is copied at once while one part in so many of the guest's memory is free: a
program has three times the memory of its own then that it would have."""

OWN_CHILDREN: Final = 2
"""How many children of a program are copied at once, too: few, since some fork without end."""

_mlockall = ctypes.CDLL(None).mlockall


class _Next:
    """Whether this process's children are copied at once at all, and the next one for good."""

    copying = False
    for_good = False


def begin() -> None:
    """Fill this process's memory, and from now on copy that of the children that are asked for.

    To be called in the guest alone. What is filled at once, now and whenever it grows
    (mlockall(2)), lies in few pieces, and what the guest's kernel maps for a forked child it maps
    piece by piece (arch/um/kernel/tlb.c).
    """
    _mlockall(MCL_CURRENT | MCL_FUTURE)
    os.register_at_fork(after_in_child=_in_child)
    _Next.copying = True


@contextlib.contextmanager
def copied_child() -> Iterator[None]:
    """Within it, a forked child's memory is copied at once, and filled whenever it grows."""
    if _Next.copying:
        linux.copy_child()
        _Next.for_good = True
    try:
        yield
    finally:
        _Next.for_good = False


def copy_program() -> None:
    """Have the next child, a program, copied at once, unless little memory is free."""
    if _Next.copying and _is_roomy():
        linux.copy_child(OWN_CHILDREN)


def _is_roomy() -> bool:
    return os.sysconf("SC_AVPHYS_PAGES") * FREE_PART > os.sysconf("SC_PHYS_PAGES")


def _in_child() -> None:
    if _Next.for_good:
        _mlockall(MCL_FUTURE)
