"""The system calls that namespaces need and Python 3.11's `os` lacks, called through libc.

Each function makes one call and raises OSError with the call's name if it fails.
Numbers are those of the kernel's headers: sched.h, mount.h, prctl.h, reboot.h.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Collection, Sequence

CLONE_VM = 0x00000100
CLONE_FS = 0x00000200
CLONE_FILES = 0x00000400
CLONE_PIDFD = 0x00001000
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

MNT_DETACH = 2

OPEN_TREE, MOVE_MOUNT = 428, 429
"""Numbers of the system calls of these names, which glibc has only since 2.36."""

OPEN_TREE_CLONE = 1
AT_RECURSIVE = 0x8000
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS = 0x4, 0x10
AT_FDCWD = -100

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_TIMERSLACK = 29
PR_SET_NO_NEW_PRIVS = 38

PR_LAB = 0x6C616200
LAB_BEGIN, LAB_PROGRAM, LAB_CALL, LAB_COPY = 0, 1, 2, 3
LAB_CALL_BYTES = 65536
"""What the guest kernel adds to prctl(2): see echolab/kernel/lab.h."""

LINUX_REBOOT_CMD_POWER_OFF = 0x4321FEDC

LINUX_CAPABILITY_VERSION_3 = 0x20080522

MSG_DONTWAIT = 0x40

TFD_CLOEXEC, TFD_TIMER_ABSTIME = 0x80000, 1

SETTERS = {"x86_64": (116, 119, 117), "aarch64": (159, 149, 147)}
"""Numbers of setgroups(2), setresgid(2) and setresuid(2): glibc's change all threads."""

CLOSE_RANGE = 436
"""The number of close_range(2), which glibc has only since 2.34."""

CLOSE_RANGE_CLOEXEC = 4

KEEPER_STACK = 16384

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.recvmmsg.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_int,
    ctypes.c_void_p,
)


def _check(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Give this thread namespaces of its own; see unshare(2)."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int = 0) -> None:
    """Have this thread join the namespace that `descriptor` refers to; see setns(2)."""
    _check(_libc.setns(descriptor, flags), "setns")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system; see mount(2)."""
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), flags, os.fsencode(options)
    )
    _check(result, f"mount {kind or source} on {target}")


def bind(source: str, target: str, flags: int = 0) -> None:
    """Show `source` at `target` too, with those flags alone (a bind mount)."""
    mount(source, target, "", MS_BIND | MS_REC)
    mount("", target, "", MS_BIND | MS_REMOUNT | flags)


def unmount(target: str, flags: int = 0) -> None:
    """Unmount a file system; see umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), flags), f"umount {target}")


def copy_of_mount(source: str) -> int:
    """A descriptor of a mount that shows what `source` shows, and is attached nowhere yet.

    See open_tree(2). It can be attached in a mount namespace other than the one it was made in.
    """
    flags = OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC
    result = _libc.syscall(
        ctypes.c_long(OPEN_TREE),
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(os.fsencode(source)),
        ctypes.c_uint(flags),
    )
    return _check(result, f"open_tree {source}")


def attach_mount(descriptor: int, target: str) -> None:
    """Attach a mount that is attached nowhere yet at `target`; see move_mount(2)."""
    result = _libc.syscall(
        ctypes.c_long(MOVE_MOUNT),
        ctypes.c_int(descriptor),
        ctypes.c_char_p(b""),
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS),
    )
    _check(result, f"move_mount to {target}")


def pivot_root(new_root: str) -> None:
    """Make `new_root` the root of this mount namespace and detach the old one.

    Both names are the same folder, so that the old root lies on top of the new one and is
    detached from there (pivot_root(2), section NOTES).
    """
    os.chdir(new_root)
    _check(_libc.pivot_root(b".", b"."), f"pivot_root {new_root}")
    unmount(".", MNT_DETACH)
    os.chdir("/")


def prctl(option: int, argument: int) -> None:
    """Set one attribute of this thread; see prctl(2)."""
    _check(_libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0), f"prctl {option}")


def begin_lab(seed: int, step: int) -> None:
    """Make this process the engine of a lab whose chance follows from `seed`.

    Time advances to the next multiple of `step` nanoseconds since the boot.

    A kernel that is not ours knows nothing of labs; then nothing changes.
    """
    _libc.prctl(PR_LAB, ctypes.c_ulong(LAB_BEGIN), ctypes.c_ulong(seed), ctypes.c_ulong(step), 0)


def name_chance(stream: int, above: int) -> None:
    """Give the program that this thread is about to become, or to start, its own chance.

    `stream` says which stream of random numbers it draws from; `above` is how many calls of
    execve(2) there are until it runs. A kernel that is not ours has one stream for all; then
    nothing changes.
    """
    _libc.prctl(
        PR_LAB, ctypes.c_ulong(LAB_PROGRAM), ctypes.c_ulong(stream), ctypes.c_ulong(above), 0
    )


def copy_child(own: int = 0) -> None:
    """Have this process's next fork(2) copy its memory at once, and the child's first `own` ones.

    A kernel that is not ours copies what is written to; then nothing changes.
    """
    _libc.prctl(PR_LAB, ctypes.c_ulong(LAB_COPY), ctypes.c_ulong(own), 0, 0)


def call() -> Callable[[bytes], bytes]:
    """A function that sends a packet to whoever started the guest kernel and returns the answer.

    The guest stands still meanwhile, its clock included. A packet has 1 to LAB_CALL_BYTES
    bytes. Raises OSError if nobody answers, ENOTCONN without `lab_call=` at the boot.
    """
    buffer = ctypes.create_string_buffer(LAB_CALL_BYTES)
    place, room = ctypes.c_ulong(ctypes.addressof(buffer)), ctypes.c_ulong(LAB_CALL_BYTES)

    def exchange(packet: bytes) -> bytes:
        ctypes.memmove(buffer, packet, len(packet))
        length = ctypes.c_ulong(len(packet))
        got = _libc.prctl(PR_LAB, ctypes.c_ulong(LAB_CALL), place, length, room)
        return ctypes.string_at(buffer, _check(got, "prctl LAB_CALL"))

    return exchange


def drop_bounding_set(last: int, kept: Collection[int] = ()) -> None:
    """Keep execve(2) from giving back any capability up to number `last`, except those kept."""
    for capability in range(last + 1):
        if capability not in kept:
            prctl(PR_CAPBSET_DROP, capability)


def clear_capabilities(kept: Collection[int] = ()) -> None:
    """Drop every capability of this thread except those kept, below 32; see capset(2)."""
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    low = sum(1 << number for number in kept)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)(low, low, low)), "capset")


def become(uid: int, gid: int, groups: Sequence[int] = ()) -> None:
    """Make this thread, and no other one, belong to that user and those groups for good.

    On a machine whose numbers are not known here, all threads.
    """
    if platform.machine() not in SETTERS or sys.maxsize < 1 << 32:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        return
    set_groups, set_gid, set_uid = SETTERS[platform.machine()]
    further = (ctypes.c_uint32 * len(groups))(*groups) if groups else None
    _check(_libc.syscall(set_groups, ctypes.c_size_t(len(groups)), further), "setgroups")
    for call, number in ((set_gid, gid), (set_uid, uid)):
        numbers = (ctypes.c_ulong(number) for _ in range(3))
        _check(_libc.syscall(call, *numbers), "setresgid or setresuid")


def close_at_exec(first: int) -> None:
    """Close all descriptors from that number on when this thread executes a program."""
    numbers = (ctypes.c_ulong(n) for n in (first, 0xFFFFFFFF, CLOSE_RANGE_CLOEXEC))
    _check(_libc.syscall(CLOSE_RANGE, *numbers), "close_range")


def recvmmsg(descriptor: int, headers: ctypes.Array[ctypes.c_char], most: int) -> int:
    """Take at most that many messages without waiting; return how many; see recvmmsg(2).

    `headers` is an array of struct mmsghdr. Raises BlockingIOError if there are none.
    """
    return _check(_libc.recvmmsg(descriptor, headers, most, MSG_DONTWAIT, None), "recvmmsg")


def alarm(moment: float) -> int:
    """A descriptor that is readable from a moment of CLOCK_MONOTONIC on; see timerfd_create(2).

    Other than select(2), which may return a thousandth late, it tells the moment to the nanosecond.
    """
    made = _check(_libc.timerfd_create(time.CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create")
    seconds, rest = divmod(max(1, round(moment * 1e9)), 10**9)
    wanted = (ctypes.c_long * 4)(0, 0, seconds, rest)
    try:
        _check(_libc.timerfd_settime(made, TFD_TIMER_ABSTIME, wanted, None), "timerfd_settime")
    except OSError:
        os.close(made)
        raise
    return made


def power_off() -> None:
    """Power the machine off, at once; see reboot(2)."""
    _check(_libc.reboot(ctypes.c_int(LINUX_REBOOT_CMD_POWER_OFF)), "reboot")


class PidNamespace:
    """A PID namespace with an init that does nothing; when closed, everything in it dies.

    Strategy: the init is a process that shares our memory (CLONE_VM without CLONE_THREAD) and only
    calls pause(2) on a stack of its own. So it needs no copy of an interpreter, which would cost
    5 ms in a User-Mode Linux guest, against 0.1 ms. It shares our descriptors, too (CLONE_FILES):
    a copy of them would keep pipes and sockets open that we have closed. It starts with SIGCHLD
    ignored, so that the kernel reaps the orphans that it inherits (wait(2), NOTES). It never
    returns from pause(2): signals whose disposition is the default are not delivered to a
    namespace's init (pid_namespaces(7)), and the engine sets no handlers.
    """

    def __init__(self) -> None:
        self._stack = mmap.mmap(-1, KEEPER_STACK)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._stack))
        pidfd = ctypes.c_int(-1)
        flags = CLONE_VM | CLONE_FILES | CLONE_PIDFD | CLONE_NEWPID | signal.SIGCHLD
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            pid = _libc.clone(
                ctypes.cast(_libc.pause, ctypes.c_void_p),
                ctypes.c_void_p(base + KEEPER_STACK),
                ctypes.c_int(flags),
                None,
                ctypes.byref(pidfd),
                None,
                None,
            )
            self._pid = _check(pid, "clone")
        finally:
            signal.signal(signal.SIGCHLD, before)
        self._pidfd = pidfd.value

    def fork(self) -> int:
        """fork(2) into the namespace: the child's PID there is the next one after 1."""
        own = os.open("/proc/thread-self/ns/pid_for_children", os.O_RDONLY | os.O_CLOEXEC)
        pid = -1
        setns(self._pidfd, CLONE_NEWPID)
        try:
            pid = os.fork()
        finally:
            if pid != 0:  # the parent stays in its namespace
                setns(own, CLONE_NEWPID)
            os.close(own)
        return pid

    @property
    def pid(self) -> int:
        """The number of the namespace's init, as this process sees it."""
        return self._pid

    def adopt(self) -> None:
        """Have everything that this thread starts be born in the namespace."""
        setns(self._pidfd, CLONE_NEWPID)

    def kill(self) -> None:
        """Kill everything in the namespace."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill everything in the namespace and wait until it is gone.

        Whoever forked into it must have waited for its children: the end of an init waits until
        every process of its namespace has been reaped.
        """
        self.kill()
        if self._pid:
            os.waitpid(self._pid, 0)
            os.close(self._pidfd)
            self._pid = 0
