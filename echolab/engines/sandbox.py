"""What a program on a host can see, use and do: its files, its rights, its limits.

Every host's root is the same read-only tree in memory, put together once: the machine's
programs and libraries, a few generated files in /etc, and the folders that the job names.
A host adds memory of its own at /tmp, /run and /dev/shm; a program adds the /proc of its
own PID namespace. Nothing else of the machine is there.
"""

from __future__ import annotations

import dataclasses
import os
import re
import resource
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from echolab.engines import linux
from echolab.engines.contract import Address
from echolab.errors import BadInput

ORDINARY = 10007
"""User and group of a host's programs, unless the Compose file names another."""

LAB = "/lab"
"""Where a host finds `echo_app`."""

MIB = 1 << 20

PROGRAM_FOLDERS = ("bin", "sbin", "lib", "lib32", "libx32", "lib64", "usr", "opt")
"""The machine's folders that hosts see; those that are links stay links."""

NEEDED_FOLDERS = ("alternatives", "java-*")
"""Folders in /etc without which installed programs do not start (patterns)."""

NEEDED_FILES = ("ld.so.cache", "protocols", "services")

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
"""Numbers as in the kernel's admin-guide/devices.txt."""

HOME = "/tmp"  # noqa: S108 (a host's own)
"""Where a program may write."""

MEMORY_FOLDERS = {HOME: "64m", "/run": "4m", "/dev/shm": "16m"}  # noqa: S108 (a host's own)
"""A host's own folders in memory and how much each holds."""

ACCOUNTS = {"root": 0, "lab": ORDINARY, "nobody": 65534}

SERVICES = "".join(f"{name} {port}/{kind}\n" for name, port in (("echo", 7), ("discard", 9))
                   for kind in ("tcp", "udp"))  # fmt: skip

OOM_SCORE = "/proc/self/oom_score_adj"
"""Which of its processes a kernel ends where memory runs out (proc_pid_oom_score_adj(5))."""

FIRST_TO_DIE, AS_OTHERS = 1000, 0

LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"


@dataclasses.dataclass(frozen=True)
class Account:
    """Whom a program runs as, by number."""

    uid: int = ORDINARY
    gid: int = ORDINARY


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one program may use: `processes` of all hosts together, sizes in bytes.

    `memory` counts what is reserved (RLIMIT_DATA), the 8 MiB stack of each thread too: a
    hundred threads must fit. What a program in the guest really fills is bounded by the
    guest's own memory; there the kernel ends it first (`oom_score_adj`).
    """

    processes: int = 1024
    files: int = 1024
    file_size: int = 64 * MIB
    memory: int = 1024 * MIB

    def values(self) -> dict[int, int]:
        """Each limit by its number (getrlimit(2))."""
        return {
            resource.RLIMIT_NPROC: self.processes,
            resource.RLIMIT_NOFILE: self.files,
            resource.RLIMIT_FSIZE: self.file_size,
            resource.RLIMIT_DATA: self.memory,
            resource.RLIMIT_CORE: 0,
        }


def account(user: str, where: str) -> Account:
    """The account that a Compose file's `user` names; empty is the ordinary one.

    Raises BadInput for a name that is not in `ACCOUNTS`.
    """
    if not user:
        return Account()
    name, _, group = user.partition(":")
    numbers = []
    for part in (name, group or name):
        if part in ACCOUNTS:
            numbers.append(ACCOUNTS[part])
        elif re.fullmatch(r"\d{1,9}", part):
            numbers.append(int(part))
        else:
            raise BadInput(f"{where}: there is no user '{user}' on the hosts", "give its number")
    return Account(*numbers)


def interpreter_folder() -> str:
    """The folder of the Python that runs this, where its `bin` and `lib` are."""
    return sys.base_prefix


def search_path() -> str:
    """The hosts' PATH: the interpreter's programs, then those of any Linux."""
    own = f"{interpreter_folder()}/bin"
    usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join([own, *(folder for folder in usual if folder != own)])


def hosts_file(addresses: Mapping[str, Address]) -> str:
    """The hosts' /etc/hosts; see hosts(5)."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    for name, address in addresses.items():
        lines.append(f"{address.ip} {name}")
        if address.ip6:
            lines.append(f"{address.ip6} {name}")
    return "\n".join(lines) + "\n"


class SharedRoot:
    """The hosts' common root, in a mount namespace of its own; `enter` goes there.

    `place` is an existing folder to put it together at. `folders` appear under their own
    paths, `packages` below `LAB` under their own names. It must be made in a process
    whose mount namespace is its own, and it takes that process's mounts at `place` along.
    """

    def __init__(
        self, place: str, hosts: str, folders: Sequence[str], packages: Sequence[str]
    ) -> None:
        linux.mount("tmpfs", place, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=16m")
        _add_programs(place)
        _add_etc(place, hosts)
        _add_devices(f"{place}/dev")
        for package in packages:
            _bind_into(place, package, f"{LAB}/{os.path.basename(package)}")
        self._covered: dict[str, str] = {}
        for number, folder in enumerate((interpreter_folder(), *folders)):
            if folder.startswith(tuple(f"{memory}/" for memory in MEMORY_FOLDERS)):
                self._covered[folder] = f"{LAB}/.covered-{number}"
                _bind_into(place, folder, self._covered[folder])
            elif not _visible(place, folder):
                _bind_into(place, folder, folder)
        for folder in (*MEMORY_FOLDERS, "/proc", "/sys", "/mnt"):
            os.makedirs(place + folder, exist_ok=True)
        linux.mount("", place, "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY)
        own = _namespace("mnt")
        try:
            linux.unshare(linux.CLONE_NEWNS)
            self._descriptor = _namespace("mnt")
            linux.pivot_root(place)
        finally:
            linux.setns(own, linux.CLONE_NEWNS)
            os.close(own)
        linux.unmount(place, linux.MNT_DETACH)

    def enter(self) -> None:
        """Make this process's mount namespace the shared one, its root the hosts' root."""
        linux.setns(self._descriptor, linux.CLONE_NEWNS)

    def furnish(self) -> None:
        """Mount what one host has for itself; to be called in its namespaces, after `enter`.

        What the job shows below a folder in memory is shown again on top of that.
        """
        flags = linux.MS_NOSUID | linux.MS_NODEV
        for folder, size in MEMORY_FOLDERS.items():
            linux.mount("tmpfs", folder, "tmpfs", flags, f"mode=1777,size={size}")
        for folder, source in self._covered.items():
            _make_target(source, folder)
            linux.mount(source, folder, "", linux.MS_BIND)
        sealed = flags | linux.MS_NOEXEC | linux.MS_RDONLY
        linux.mount("sysfs", "/sys", "sysfs", sealed)

    def close(self) -> None:
        """Let go of it; it stays as long as a host uses it."""
        os.close(self._descriptor)


def add_proc(options: str = "") -> None:
    """Mount the /proc of this process's PID namespace, for this thread and its children.

    The `options` may name another PID namespace (proc(5), pidns).
    """
    linux.unshare(linux.CLONE_NEWNS)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", "/proc", "proc", flags, options)


def limit(limits: Limits) -> None:
    """Limit what this whole process, and all that it starts from now on, may use."""
    for what, value in limits.values().items():
        resource.setrlimit(what, (value, value))


def dies_first(score: int) -> None:
    """Say how soon this process is ended where memory runs out."""
    with open(OOM_SCORE, "w", encoding="ascii") as file:
        file.write(str(score))


def confine(account: Account, last_capability: int) -> None:
    """Give up, for good, whatever right a program under test must not have; for this thread."""
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.drop_bounding_set(last_capability)
    linux.become(account.uid, account.gid)
    linux.clear_capabilities()


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


def _add_etc(place: str, hosts: str) -> None:
    etc = f"{place}/etc"
    os.mkdir(etc)
    for entry in sorted(os.listdir("/etc")):
        source = f"/etc/{entry}"
        if entry in NEEDED_FILES:
            Path(etc, entry).write_bytes(Path(source).read_bytes())
        elif os.path.isdir(source) and any(map(Path(entry).match, NEEDED_FOLDERS)):
            os.mkdir(f"{etc}/{entry}")
            _bind(source, f"{etc}/{entry}")
    for name, text in _generated(hosts).items():
        Path(etc, name).write_text(text, encoding="utf-8")
    services = Path(etc, "services")
    known = services.read_text(encoding="utf-8") if services.exists() else ""
    if not re.search(r"^echo\s+7/tcp", known, re.MULTILINE):
        services.write_text(known + SERVICES, encoding="utf-8")
    os.symlink("/proc/sys/kernel/hostname", f"{etc}/hostname")
    os.symlink("/proc/self/mounts", f"{etc}/mtab")


def _generated(hosts: str) -> dict[str, str]:
    people = "".join(f"{name}:x:{n}:{n}::/tmp:/bin/sh\n" for name, n in ACCOUNTS.items())
    groups = "".join(f"{name}:x:{n}:\n" for name, n in ACCOUNTS.items())
    switch = "".join(
        f"{database}: files\n"
        for database in ("passwd", "group", "hosts", "services", "protocols", "networks")
    )
    return {
        "hosts": hosts,
        "passwd": people,
        "group": groups,
        "nsswitch.conf": switch,
        "resolv.conf": "",
    }


def _add_devices(dev: str) -> None:
    os.mkdir(dev)
    linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID | linux.MS_NOEXEC, "mode=755,size=64k")
    everyone = stat.S_IFCHR | 0o666
    for name, (major, minor) in {**DEVICES, "tty": (5, 0)}.items():
        os.mknod(f"{dev}/{name}", everyone, os.makedev(major, minor))
        os.chmod(f"{dev}/{name}", 0o666)  # noqa: S103 (as on any Linux)
    for name, target in (
        *(("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0")),
        *(("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx")),
    ):
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(f"{dev}/shm")
    os.mkdir(f"{dev}/pts")
    linux.mount("devpts", f"{dev}/pts", "devpts", linux.MS_NOSUID, "newinstance,ptmxmode=0666")
    flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NOEXEC
    linux.mount("", dev, "", flags)


def _visible(place: str, folder: str) -> bool:
    """Whether the hosts see that folder already, below one that is bound."""
    shown: Iterable[str] = (f"/{name}/" for name in PROGRAM_FOLDERS)
    return any(os.path.realpath(folder).startswith(parent) for parent in shown) and os.path.isdir(
        place + os.path.realpath(folder)
    )


def _bind_into(place: str, source: str, target: str) -> None:
    """Bind a folder, or one file, into the tree that is being made."""
    if not os.path.exists(source):
        raise BadInput(f"{source} is not there, but a host shall see it", "give another path")
    _make_target(source, place + target)
    _bind(source, place + target)


def _make_target(source: str, target: str) -> None:
    """Make the empty folder or file on which `source` can be mounted."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()


def _bind(source: str, target: str) -> None:
    linux.bind(source, target, linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)
