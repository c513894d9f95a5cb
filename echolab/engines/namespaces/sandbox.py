"""What a program on a host can see, use and do: its files, its rights, its limits.

Every host's root is the same read-only tree in memory, built once: the machine's programs and
libraries, a few generated files in /etc, and the folders that the job names. A host adds memory of
its own at /tmp, /run and /dev/shm; a program adds the /proc of its own PID namespace. Nothing else
of the machine is there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import resource
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from echolab.engines.namespaces import etc, linux
from echolab.errors import BadInput
from echolab.files import BIND, FILE, Mount
from echolab.topology import Host

LAB = "/lab"
"""Where a host finds `echo_app`."""

MIB = 1 << 20

PROGRAM_FOLDERS = ("bin", "sbin", "lib", "lib32", "libx32", "lib64", "usr", "opt")
"""The machine's folders that hosts see; those that are links stay links."""

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
"""Numbers from the kernel's admin-guide/devices.txt."""

HOME = "/tmp"  # noqa: S108 (a host's own)
"""Where a program may write."""

DISK = HOME
"""A host's substitute for a disk: it stays when the host loses power."""

MEMORY_FOLDERS = {HOME: "64m", "/run": "4m", "/dev/shm": "16m"}  # noqa: S108 (a host's own)
"""A host's own folders in memory and how much each holds."""

ABOVE = "/mnt/above"
"""Where a host's own layer above its working folder is built."""

WRITABLE = 50
"""How much all hosts' layers together may hold, in per cent of the kernel's memory."""

CAPABILITIES = {"NET_BIND_SERVICE": 10, "NET_BROADCAST": 11, "NET_ADMIN": 12, "NET_RAW": 13}
"""Numbers of the capabilities that a program may have: those of its host's own network
(linux/capability.h)."""

LIMITS = {
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "data": resource.RLIMIT_DATA,
    "fsize": resource.RLIMIT_FSIZE,
    "memlock": resource.RLIMIT_MEMLOCK,
    "msgqueue": resource.RLIMIT_MSGQUEUE,
    "nice": resource.RLIMIT_NICE,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "rss": resource.RLIMIT_RSS,
    "rtprio": resource.RLIMIT_RTPRIO,
    "rttime": resource.RLIMIT_RTTIME,
    "sigpending": resource.RLIMIT_SIGPENDING,
    "stack": resource.RLIMIT_STACK,
}
"""The limits of getrlimit(2) by their names in Compose, which are those of go-units."""

LARGEST_ID = 2**31

NUMBER = re.compile(r"\d{1,10}")

OOM_SCORE = "/proc/self/oom_score_adj"
"""Which process the kernel ends when memory runs out (proc_pid_oom_score_adj(5))."""

FIRST_TO_DIE, AS_OTHERS = 1000, 0

LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"


@dataclasses.dataclass(frozen=True)
class Account:
    """Whom a program runs as, by number; `groups` are the supplementary ones."""

    uid: int = etc.ORDINARY
    gid: int = etc.ORDINARY
    groups: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one program may use: `processes` of all hosts together, sizes in bytes.

    `memory` counts what is reserved (RLIMIT_DATA), including the 8 MiB stack of each thread: a
    hundred threads must fit. The guest's own memory bounds what a program in the guest really
    fills; there the kernel ends it first (`oom_score_adj`). `own` are a host's: number, soft and
    hard.
    """

    processes: int = 1024
    files: int = 1024
    file_size: int = 64 * MIB
    memory: int = 1024 * MIB
    own: tuple[tuple[int, int, int], ...] = ()

    def values(self) -> dict[int, tuple[int, int]]:
        """Each limit, soft and hard, by its number (getrlimit(2))."""
        usual = {
            resource.RLIMIT_NPROC: self.processes,
            resource.RLIMIT_NOFILE: self.files,
            resource.RLIMIT_FSIZE: self.file_size,
            resource.RLIMIT_DATA: self.memory,
            resource.RLIMIT_CORE: 0,
        }
        both = {what: (value, value) for what, value in usual.items()}
        return {**both, **{what: (soft, hard) for what, soft, hard in self.own}}

    def changed(self, named: Mapping[str, Sequence[int]]) -> Limits:
        """The limits, with those that a Compose file names replaced: soft and hard, -1 for none."""
        if not named:
            return self
        own = [(LIMITS[name], soft, hard) for name, (soft, hard) in named.items()]
        return dataclasses.replace(self, own=tuple(own))


def account(host: Host, file: str) -> Account:
    """The account that a Compose file's `user` names; empty means the ordinary one.

    Raises BadInput for a name that is not in `etc.ACCOUNTS`.
    """
    user, where = host.user, f"{file}: {host.name}"
    further = tuple(_number(one, one, where) for one in host.groups)
    if not user:
        return Account(groups=further)
    name, _, group = user.partition(":")
    return Account(_number(name, user, where), _number(group or name, user, where), further)


def _number(part: str, user: str, where: str) -> int:
    if part in etc.ACCOUNTS:
        return etc.ACCOUNTS[part]
    if NUMBER.fullmatch(part) and int(part) < LARGEST_ID:
        return int(part)
    raise BadInput(f"{where}: there is no user '{user}' on the hosts", "give its number")


def numbers(capabilities: Sequence[str]) -> tuple[int, ...]:
    """The numbers of those capabilities that a host without an image can have."""
    return tuple(CAPABILITIES[name] for name in capabilities if name in CAPABILITIES)


def interpreter_folder() -> str:
    """The folder of the Python that runs this, where its `bin` and `lib` are."""
    return sys.base_prefix


def search_path() -> str:
    """The hosts' PATH: the interpreter's programs, then those of any Linux."""
    own = f"{interpreter_folder()}/bin"
    usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join([own, *(folder for folder in usual if folder != own)])


def environment(host: str) -> dict[str, str]:
    """The environment that every program has, the same on every machine and in every run."""
    return {
        "PATH": search_path(),
        "HOME": HOME,
        "HOSTNAME": host,
        "USER": "lab",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": LAB,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class HostRoot(Protocol):
    """How a host gets its root: the machine's files, or those of an image."""

    def enter(self) -> None:
        """Go to the mount namespace in which the root was built."""

    def furnish(self) -> None:
        """Mount what one host has for itself, in its namespaces; then its root is "/"."""

    def put_over(self, path: str, text: str) -> None:
        """Show a text as the file of that path, after `furnish`."""

    def forget(self) -> None:
        """Empty what the host has in memory, in its mount and its new network namespace."""


class SharedRoot:
    """The hosts' common root, in a mount namespace of its own; `enter` goes there.

    `place` is an existing folder to put it together at. `folders` appear under their own
    paths, `packages` below `LAB` under their own names. It must be made in a process
    whose mount namespace is its own, and it takes that process's mounts at `place` along.
    `workdir` is the name of the package that each of `sharers` hosts may write to, for itself
    alone.
    `multi` says that a name may have several addresses (host.conf(5)). Where one of the hosts
    `mounted` mounts something there is an empty folder or file, for all of them.
    """

    def __init__(
        self,
        place: str,
        hosts: str,
        folders: Sequence[str],
        packages: Sequence[str],
        *,
        workdir: str = "",
        sharers: int = 1,
        multi: bool = False,
        mounted: Sequence[Host] = (),
    ) -> None:
        linux.mount("tmpfs", place, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=16m")
        with contextlib.ExitStack() as undo:
            undo.callback(linux.unmount, place, linux.MNT_DETACH)
            _add_programs(place)
            etc.add(place, hosts, multi=multi)
            add_devices(f"{place}/dev")
            for package in packages:
                _bind_into(place, package, f"{LAB}/{os.path.basename(package)}")
            self._workdir = f"{LAB}/{workdir}" if workdir else ""
            self._share = f"{max(1, WRITABLE // sharers)}%"
            self._covered: dict[str, str] = {}
            for number, folder in enumerate((interpreter_folder(), *folders)):
                if folder.startswith(tuple(f"{memory}/" for memory in MEMORY_FOLDERS)):
                    self._covered[folder] = f"{LAB}/.covered-{number}"
                    _bind_into(place, folder, self._covered[folder])
                elif not _visible(place, folder):
                    _bind_into(place, folder, folder)
            for folder in (*MEMORY_FOLDERS, "/proc", "/sys", "/mnt", ABOVE):
                os.makedirs(place + folder, exist_ok=True)
            for mount in (mount for host in mounted for mount in mounts(host)):
                _make_place(place, mount)
            linux.mount("", place, "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY)
            own = _namespace("mnt")
            try:
                linux.unshare(linux.CLONE_NEWNS)
                self._descriptor = _namespace("mnt")
                linux.pivot_root(place)
            finally:
                linux.setns(own, linux.CLONE_NEWNS)
                os.close(own)

    def enter(self) -> None:
        """Make this process's mount namespace the shared one, its root the hosts' root."""
        linux.setns(self._descriptor, linux.CLONE_NEWNS)

    def furnish(self) -> None:
        """Mount what one host has for itself; call this in its namespaces, after `enter`.

        The job's folders below a folder in memory are shown again on top of it.
        """
        for folder in MEMORY_FOLDERS:
            _mount_memory(folder)
        for folder, source in self._covered.items():
            _make_target(source, folder)
            linux.mount(source, folder, "", linux.MS_BIND)
        if self._workdir:
            _mount_writable(self._workdir, self._share)
        mount_sysfs()

    def put_over(self, path: str, text: str) -> None:
        """Show a text as the file of that path, in this mount namespace."""
        kept = "/run/.over"
        Path(kept).write_text(text, encoding="utf-8")
        linux.mount(kept, path, "", linux.MS_BIND)
        os.unlink(kept)

    def forget(self) -> None:
        """Empty what one host has in memory, as when it loses power; its disk stays.

        Call this in its mount namespace and its new network namespace.
        """
        for folder in MEMORY_FOLDERS:
            if folder != DISK:
                linux.unmount(folder, linux.MNT_DETACH)
                _mount_memory(folder)
        linux.unmount("/sys", linux.MNT_DETACH)
        mount_sysfs()

    def close(self) -> None:
        """Release it; it stays as long as a host uses it."""
        os.close(self._descriptor)


def _mount_memory(folder: str) -> None:
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", folder, "tmpfs", flags, f"mode=1777,size={MEMORY_FOLDERS[folder]}")


def _mount_writable(folder: str, size: str) -> None:
    """Have this host keep what it writes to a read-only folder in memory of its own.

    The memory is not visible anywhere else, once the overlay has it (overlayfs.rst).
    """
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", ABOVE, "tmpfs", flags, f"mode=755,size={size}")
    upper, work = f"{ABOVE}/upper", f"{ABOVE}/work"
    for made in (upper, work):
        os.mkdir(made)
    os.chmod(upper, 0o777)  # noqa: S103 (a program's own folder, on its own host)
    layers = f"lowerdir={folder},upperdir={upper},workdir={work}"
    linux.mount("overlay", folder, "overlay", flags, layers)
    linux.unmount(ABOVE, linux.MNT_DETACH)


def mount_sysfs() -> None:
    """Show the kernel's /sys, of this process's network namespace."""
    sealed = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_RDONLY
    linux.mount("sysfs", "/sys", "sysfs", sealed)


def add_proc(options: str = "") -> None:
    """Mount the /proc of this process's PID namespace, for this thread and its children.

    The `options` may name another PID namespace (proc(5), pidns).
    """
    linux.unshare(linux.CLONE_NEWNS)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", "/proc", "proc", flags, options)


def limit(limits: Limits) -> None:
    """Limit what this whole process, and all that it starts from now on, may use."""
    for what, values in limits.values().items():
        resource.setrlimit(what, values)


def dies_first(score: int) -> None:
    """Say how early this process is ended when memory runs out."""
    with open(OOM_SCORE, "w", encoding="ascii") as file:
        file.write(str(score))


def confine(
    account: Account, last_capability: int, kept: Sequence[int] = (), *, gaining: bool = False
) -> None:
    """Drop for good every right that a program under test must not have; for this thread.

    Root alone has the capabilities that are `kept`, by their numbers, as in a container.
    `gaining` lets programs with a set-user-ID bit become root.
    """
    numbers = kept if account.uid == 0 else []
    if not gaining:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.drop_bounding_set(last_capability, kept if gaining else numbers)
    linux.become(account.uid, account.gid, account.groups)
    linux.clear_capabilities(numbers)


def last_capability() -> int:
    """The number of the kernel's last capability; see capabilities(7)."""
    return int(Path(LAST_CAPABILITY).read_text(encoding="ascii"))


def _namespace(kind: str) -> int:
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _add_programs(place: str) -> None:
    for name in PROGRAM_FOLDERS:
        source, target = f"/{name}", f"{place}/{name}"
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            _bind(source, target)


def add_devices(dev: str) -> None:
    """Make a folder with the devices that every host has, and mount points for others."""
    os.mkdir(dev)
    linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID | linux.MS_NOEXEC, "mode=755,size=64k")
    everyone = stat.S_IFCHR | 0o666
    for name, (major, minor) in {**DEVICES, "tty": (5, 0)}.items():
        os.mknod(f"{dev}/{name}", everyone, os.makedev(major, minor))
        os.chmod(f"{dev}/{name}", 0o666)  # noqa: S103 (as on any Linux)
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ):
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(f"{dev}/shm")
    os.mkdir(f"{dev}/pts")
    linux.mount("devpts", f"{dev}/pts", "devpts", linux.MS_NOSUID, "newinstance,ptmxmode=0666")
    flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NOEXEC
    linux.mount("", dev, "", flags)


def _visible(place: str, folder: str) -> bool:
    """Whether the hosts already see that folder, below one that is bound."""
    real = os.path.realpath(folder)
    shown = tuple(f"/{name}/" for name in PROGRAM_FOLDERS)
    return real.startswith(shown) and os.path.isdir(place + real)


def mounts(host: Host) -> Sequence[Mount]:
    """What is mounted on a host without an image, besides its memory; folders come first."""
    found = (one for one in host.mounts if one.target not in MEMORY_FOLDERS and not host.root)
    return sorted(found, key=lambda mount: mount.target.count("/"))


def _make_place(place: str, mount: Mount) -> None:
    """Make the empty folder or file at which something can be mounted; hosts do in memory."""
    if mount.target.startswith(tuple(f"{folder}/" for folder in MEMORY_FOLDERS)):
        return
    folder = mount.kind != FILE and not (mount.kind == BIND and os.path.isfile(mount.source))
    try:
        _make_target(place if folder else "", place + mount.target)
    except OSError as error:
        what = f"{mount.of}: nothing can be mounted at {mount.target}: {error.strerror}"
        raise BadInput(what, "give it another target, or the host an image") from None


def _bind_into(place: str, source: str, target: str) -> None:
    """Bind a folder, or one file, into the tree that is being built."""
    if not os.path.exists(source):
        raise BadInput(f"{source} does not exist, but a host needs it", "give another path")
    _make_target(source, place + target)
    _bind(source, place + target)


def _make_target(source: str, target: str) -> None:
    """Make the empty folder or file on which `source` can be mounted."""
    if os.path.exists(target):
        return
    if os.path.isdir(source):
        os.makedirs(target)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()


def _bind(source: str, target: str) -> None:
    linux.bind(source, target, linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)
