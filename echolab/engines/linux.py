"""The system calls that namespaces need and Python 3.11's `os` lacks, by way of libc.

Each function does one call and raises OSError with the call's name where it fails.
Numbers stand as in the kernel's headers: sched.h, mount.h, prctl.h, reboot.h.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import signal
import sys

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

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_TIMERSLACK = 29
PR_SET_NO_NEW_PRIVS = 38

LINUX_REBOOT_CMD_POWER_OFF = 0x4321FEDC

LINUX_CAPABILITY_VERSION_3 = 0x20080522

MSG_DONTWAIT = 0x40

SETTERS = {"x86_64": (116, 119, 117), "aarch64": (159, 149, 147)}
"""Numbers of setgroups(2), setresgid(2) and setresuid(2), which glibc does for all threads."""

CLOSE_RANGE = 436
"""The number of close_range(2), which glibc has since 2.34."""

CLOSE_RANGE_CLOEXEC = 4

KEEPER_STACK = 16384

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    *(ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p),
    *(ctypes.c_ulong, ctypes.c_char_p),
)
_libc.recvmmsg.argtypes = (
    *(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p),
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
    """Take a mount away; see umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), flags), f"umount {target}")


def pivot_root(new_root: str) -> None:
    """Make `new_root` the root of this mount namespace and let go of the old one.

    Both names are the same folder, so that the old root lies on top of the new one and
    is detached from there (pivot_root(2), section NOTES).
    """
    os.chdir(new_root)
    _check(_libc.pivot_root(b".", b"."), f"pivot_root {new_root}")
    unmount(".", MNT_DETACH)
    os.chdir("/")


def prctl(option: int, argument: int) -> None:
    """Set one attribute of this thread; see prctl(2)."""
    _check(_libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0), f"prctl {option}")


def drop_bounding_set(last: int) -> None:
    """See to it that no execve(2) gives a capability back, up to number `last`."""
    for capability in range(last + 1):
        prctl(PR_CAPBSET_DROP, capability)


def clear_capabilities() -> None:
    """Give up every capability that this thread has; see capset(2)."""
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def become(uid: int, gid: int) -> None:
    """Make this thread, and no other one, belong to that user and group for good.

    On a machine whose numbers are not known here, all threads.
    """
    if platform.machine() not in SETTERS or sys.maxsize < 1 << 32:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        return
    set_groups, set_gid, set_uid = SETTERS[platform.machine()]
    _check(_libc.syscall(set_groups, ctypes.c_size_t(0), None), "setgroups")
    for call, number in ((set_gid, gid), (set_uid, uid)):
        numbers = (ctypes.c_ulong(number) for _ in range(3))
        _check(_libc.syscall(call, *numbers), "setresgid or setresuid")


def close_at_exec(first: int) -> None:
    """See to it that no descriptor from that number on reaches what this thread executes."""
    numbers = (ctypes.c_ulong(n) for n in (first, 0xFFFFFFFF, CLOSE_RANGE_CLOEXEC))
    _check(_libc.syscall(CLOSE_RANGE, *numbers), "close_range")


def recvmmsg(descriptor: int, headers: ctypes.Array[ctypes.c_char], most: int) -> int:
    """Take at most that many messages without waiting; how many were there; see recvmmsg(2).

    `headers` is an array of struct mmsghdr. Raises BlockingIOError where there are none.
    """
    return _check(_libc.recvmmsg(descriptor, headers, most, MSG_DONTWAIT, None), "recvmmsg")


def power_off() -> None:
    """Power the machine off, at once; see reboot(2)."""
    _check(_libc.reboot(ctypes.c_int(LINUX_REBOOT_CMD_POWER_OFF)), "reboot")


class PidNamespace:
    """A PID namespace with an init that does nothing; closed, everything in it dies.

    Strategy: the init is a process that shares our memory (CLONE_VM without
    CLONE_THREAD) and executes nothing but pause(2) on a stack of its own. So it needs no
    copy of an interpreter, which would cost 5 ms in a User-Mode Linux guest against
    0.1 ms. It shares our descriptors, too (CLONE_FILES): a copy of them would keep pipes
    and sockets open that we have closed. It is born with SIGCHLD ignored, so that the
    kernel reaps the orphans it inherits (wait(2), NOTES). It never returns from pause(2):
    signals whose disposition is the default are not delivered to a namespace's init
    (pid_namespaces(7)), and the engine sets no handlers.
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
                *(ctypes.c_void_p(base + KEEPER_STACK), ctypes.c_int(flags), None),
                *(ctypes.byref(pidfd), None, None),
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
            if pid != 0:  # the child stays where it was born
                setns(own, CLONE_NEWPID)
            os.close(own)
        return pid

    @property
    def pid(self) -> int:
        """The number of the namespace's init, as this process sees it."""
        return self._pid

    def adopt(self) -> None:
        """See to it that whatever this thread starts is born in the namespace."""
        setns(self._pidfd, CLONE_NEWPID)

    def kill(self) -> None:
        """Kill all that lives in the namespace."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill all that lives in the namespace and wait until it is gone.

        Whoever forked into it must have waited for its children, for an init's end waits
        for every process of its namespace to be reaped.
        """
        self.kill()
        if self._pid:
            os.waitpid(self._pid, 0)
            os.close(self._pidfd)
            self._pid = 0
