"""Hosts whose root is an image: its files below, memory above, by overlayfs.

The files of an image are on this machine's disk, read-only. Their owners are in a separate layer
in memory, which has no content (overlayfs.rst, "Metadata only copy up"); all hosts of an image
share it. So neither the user who runs the lab nor the machine's file system makes a difference:
owners, times, numbers and the order of files in a folder are always the same. What a host writes is
in memory of its own, and stays when the host is restarted.

Strategy: a mount's target is a path of the image, in which any part may be a symbolic link to
anywhere. So the process first enters the host's root. The mounts were prepared before that, as
mounts that are attached nowhere yet (open_tree(2)).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import stat
from collections.abc import Mapping, Sequence

from echolab.engines.namespaces import linux, sandbox
from echolab.engines.namespaces.child import Start
from echolab.engines.namespaces.names import several_addresses
from echolab.errors import BadInput, CannotRun
from echolab.files import FILE, MEMORY, VOLUME, Image, Mount, Root
from echolab.topology import Host

CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "NET_RAW": 13,
    "SYS_CHROOT": 18,
    "MKNOD": 27,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}
"""What root may do in a Docker container, with the numbers of linux/capability.h."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of a container whose image names none."""

FILES, LARGEST = 65536, 2**40
"""How much one program may open, and bytes that it may write to a file or reserve: an image's
programs expect no limits. Its host's control group and the guest's memory still limit it."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 (a host's own)

SEALED = linux.MS_NOSUID | linux.MS_NODEV
SHUT = SEALED | linux.MS_NOEXEC

KINDS = {"p": stat.S_IFIFO, "c": stat.S_IFCHR, "b": stat.S_IFBLK}
"""Files that only root can make, by their kinds in an entry."""


def capabilities(added: Sequence[str], image: Image) -> tuple[int, ...]:
    """The capabilities of a host's root: Docker's, plus and minus what the file adds and drops."""
    known = {**CAPABILITIES, **sandbox.CAPABILITIES}
    own = set() if "ALL" in image.dropped else set(CAPABILITIES) - set(image.dropped)
    return tuple(sorted(known[name] for name in own | set(added)))


def start(usual: Start, host: Host, environment: Mapping[str, str]) -> Start:
    """How a program is started on a host with an image, unlike on one without."""
    assert host.root is not None and host.image is not None
    implied = {"PATH": PATH, "HOSTNAME": host.hostname or host.name, "HOME": host.root.home}
    limits = dataclasses.replace(usual.limits, files=FILES, file_size=LARGEST, memory=LARGEST)
    return dataclasses.replace(
        usual,
        environment={**implied, **host.environment, **environment},
        limits=limits,
        capabilities=capabilities(host.capabilities, host.image),
        gaining=host.image.privileges,
        owns_streams=True,
        executed=usual.argv == host.command,
    )


def roots(store: Store, hosts: Sequence[Host], names: Mapping[str, str]) -> dict[str, ImageRoot]:
    """The roots of the hosts that have an image; `names` are the texts of their /etc/hosts."""
    "x".encode("idna")  # what looks up names in a forked interpreter, from the machine's files
    several = {"/etc/host.conf": "multi on\n"} if several_addresses(names) else {}
    found = {}
    for host in hosts:
        if host.root is not None:
            texts = {
                "/etc/hosts": names[host.name],
                "/etc/hostname": f"{host.hostname or host.name}\n",
                "/etc/resolv.conf": "",
                **several,
            }
            found[host.name] = ImageRoot(store, host, texts)
    return found


class Store:
    """What hosts with images have in common, in a folder made for it in memory.

    It must be made in the engine's own mount namespace. Closed, it is gone.
    """

    def __init__(self, place: str, hosts: Sequence[Host]) -> None:
        self.place = place
        self._layers: dict[str, str] = {}
        with contextlib.ExitStack() as undo:
            os.makedirs(place, exist_ok=True)  # programs can see its name: always the same
            linux.mount("tmpfs", place, "tmpfs", SEALED, "mode=755")
            undo.callback(linux.unmount, place, linux.MNT_DETACH)
            for folder in ("low", "top", "merged", "volumes", "binds", "host", "own"):
                os.mkdir(f"{place}/{folder}")
            sandbox.add_devices(f"{place}/dev")
            for host in hosts:
                if host.root is not None and host.root.digest not in self._layers:
                    self._layers[host.root.digest] = self._below(host.root)
            for mount in (mount for host in hosts for mount in host.mounts):
                if mount.kind == VOLUME:
                    os.makedirs(self.volume(mount.source), exist_ok=True)
            own = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            undo.callback(os.close, own)
            self.namespace = own
            self._undo = undo.pop_all()

    def below(self, root: Root) -> str:
        """The overlay's option that names the folders of an image's files."""
        return self._layers[root.digest]

    def volume(self, name: str) -> str:
        """The folder of a named volume."""
        return f"{self.place}/volumes/{name}"

    def writable(self, folder: str) -> str:
        """Where a folder of this machine can be written to."""
        place = f"{self.place}/binds/{folder.replace('/', '%')[-200:]}"
        if not os.path.isdir(place):
            os.mkdir(place)
            linux.mount("none", place, "hostfs", SEALED, folder)
        return place

    def _below(self, root: Root) -> str:
        """Show the files of an image, and make the layer that holds their owners."""
        number = len(self._layers)
        low, top = f"{self.place}/low/{number}", f"{self.place}/top/{number}"
        os.mkdir(low)
        try:
            linux.bind(root.files, low, linux.MS_RDONLY)
        except OSError as error:
            raise CannotRun(
                f"the files of {root.image} in {root.files} cannot be used: {error}",
                "remove them from the cache, or give another --root",
            ) from None
        for folder in (top, f"{top}/files", f"{top}/work"):
            os.mkdir(folder)
        merged = f"{self.place}/merged"
        options = f"lowerdir={low},upperdir={top}/files,workdir={top}/work,metacopy=on"
        linux.mount("overlay", merged, "overlay", SEALED, options)
        before = os.open(".", os.O_PATH | os.O_CLOEXEC)
        try:
            with open(root.entries, encoding="utf-8") as file:
                entries = json.load(file)
            os.chdir(merged)
            for entry in entries:
                _own(*entry)
        finally:
            os.fchdir(before)
            os.close(before)
            linux.unmount(merged)
        return f"{top}/files:{low}"

    def close(self) -> None:
        """Release it; a second call does nothing."""
        self._undo.close()


def _own(
    name: str,
    kind: str,
    uid: int,
    gid: int,
    mode: int | None,
    modified: float,
    attributes: Mapping[str, str],
    device: tuple[int, int],
) -> None:
    """Give a file of an image its owner, its mode and whatever else the disk does not tell.

    The first change puts the file into the layer in memory.
    """
    path = name or "."
    if kind in KINDS:
        os.mknod(path, KINDS[kind] | 0o600, os.makedev(*device))
    os.chown(path, uid, gid, follow_symlinks=False)
    if mode is not None:
        os.chmod(path, mode)
    for key, value in attributes.items():
        os.setxattr(path, key, bytes.fromhex(value), follow_symlinks=False)
    os.utime(path, (modified, modified), follow_symlinks=False)


class ImageRoot:
    """The root of one host; see `hosts.HostRoot`.

    `texts` are files of the host's own, by their paths: its names, for example.
    """

    def __init__(self, store: Store, host: Host, texts: Mapping[str, str]) -> None:
        assert host.root is not None and host.image is not None
        self._store = store
        self._host = host
        self._root = host.root
        self._image = host.image
        self._texts = texts

    def enter(self) -> None:
        """Go to where the hosts' files are built."""
        linux.setns(self._store.namespace, linux.CLONE_NEWNS)

    def furnish(self) -> None:
        """Make the host's root this thread's root; call this in a mount namespace of its own."""
        place = f"{self._store.place}/host"
        linux.mount("tmpfs", place, "tmpfs", SEALED, "mode=755,size=50%")
        for folder in ("files", "work", "root", "own"):
            os.mkdir(f"{place}/{folder}")
        options = f"lowerdir={self._store.below(self._root)},upperdir={place}/files"
        options += f",workdir={place}/work,metacopy=on"
        _look_alike(f"{place}/files", self._store.below(self._root).partition(":")[0])
        linux.mount("overlay", f"{place}/root", "overlay", linux.MS_NODEV, options)
        with contextlib.ExitStack() as undo:
            prepared = [(mount, self._prepared(mount, undo)) for mount in self._mounts()]
            devices = linux.copy_of_mount(f"{self._store.place}/dev")
            undo.callback(os.close, devices)
            linux.pivot_root(f"{place}/root")
            os.makedirs("/proc", exist_ok=True)
            os.makedirs("/dev", exist_ok=True)
            linux.attach_mount(devices, "/dev")
            self._mount_memory()
            os.makedirs("/sys", exist_ok=True)
            sandbox.mount_sysfs()
            for mount, descriptor in prepared:
                attach(mount, descriptor)
        if self._host.workdir:
            os.makedirs(self._host.workdir, exist_ok=True)
        if self._image.read_only:
            flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NODEV
            linux.mount("", "/", "", flags)

    def forget(self) -> None:
        """Empty what the host has in memory, as when it loses power; its disk stays."""
        targets = [mount.target for mount in self._mounts() if mount.kind == MEMORY]
        for target in (SHARED_MEMORY, *targets):
            empty(target, os.stat(target).st_dev)
        linux.unmount("/sys", linux.MNT_DETACH)
        sandbox.mount_sysfs()

    def put_over(self, path: str, text: str) -> None:
        """Show a text as the file of that path: nothing is left to do, see `texts`."""

    def _mount_memory(self) -> None:
        size = self._image.shared_memory
        linux.mount("tmpfs", SHARED_MEMORY, "tmpfs", SHUT, f"mode=1777,size={size}")

    def _mounts(self) -> Sequence[Mount]:
        """What is mounted, folders before what is below them."""
        own = [Mount(FILE, path, content=text, mode=0o644) for path, text in self._texts.items()]
        return sorted([*own, *self._host.mounts], key=lambda mount: mount.target.count("/"))

    def _prepared(self, mount: Mount, undo: contextlib.ExitStack) -> int:
        """A descriptor of what a mount shows, -1 for memory, which has nothing yet."""
        if mount.kind == MEMORY:
            return -1
        if mount.kind == VOLUME:
            source = self._store.volume(mount.source)
        elif mount.kind == FILE:
            source = own_file(mount, f"{self._store.place}/host/own")
        else:
            source = bound(mount, self._store, f"{self._store.place}/host/own")
        descriptor = linux.copy_of_mount(source)
        undo.callback(os.close, descriptor)
        return descriptor


def own_file(mount: Mount, folder: str) -> str:
    """A file of a host's own with a mount's content, in a folder that others do not see."""
    path = f"{folder}/{len(os.listdir(folder))}"
    content = (mount.content or "").encode("utf-8", "surrogateescape")
    if mount.content is None:
        with open(mount.source, "rb") as file:
            content = file.read()
    with open(path, "wb") as file:
        file.write(content)
    os.chown(path, mount.uid, mount.gid)
    os.chmod(path, mount.mode)
    return path


def bound(mount: Mount, store: Store, folder: str) -> str:
    """Where a file or folder of this machine can be seen as a mount says.

    One that is not there is an empty folder in `folder`.
    """
    if not os.path.exists(mount.source):
        nothing = f"{folder}/empty"
        os.makedirs(nothing, exist_ok=True)
        return nothing
    if mount.read_only:
        return mount.source
    if os.path.isdir(mount.source):
        return store.writable(mount.source)
    parent, name = os.path.split(mount.source)
    return f"{store.writable(parent)}/{name}"


def attach(mount: Mount, descriptor: int) -> None:
    """Show what was prepared at its target, which is made if it is not there.

    Raises BadInput if that cannot be.
    """
    target = mount.target
    try:
        if mount.kind == MEMORY:
            os.makedirs(target, exist_ok=True)
            _mount_memory(mount)
            return
        filled = mount.filled and os.path.isdir(target)
        make_target(descriptor, target)
        if mount.kind == VOLUME and filled:
            _fill(descriptor, target)
        linux.attach_mount(descriptor, target)
        if mount.kind == FILE and not mount.of:
            return
        flags = linux.MS_RDONLY if mount.read_only else 0
        flags |= linux.MS_NODEV if mount.kind == VOLUME else SEALED
        linux.mount("", target, "", linux.MS_REMOUNT | linux.MS_BIND | flags)
    except OSError as error:
        raise BadInput(
            f"{mount.of}: nothing can be mounted at {target}: {error.strerror}",
            "give it another target",
        ) from None


def _mount_memory(mount: Mount) -> None:
    """Mount memory, restricted as in Docker unless the options say otherwise."""
    chosen = [word for word in mount.options.split(",") if word]
    flags = SHUT | (linux.MS_RDONLY if mount.read_only or "ro" in chosen else 0)
    for word, flag in (("exec", linux.MS_NOEXEC), ("suid", linux.MS_NOSUID)):
        if word in chosen:
            flags &= ~flag
    options = [word for word in chosen if "=" in word]
    if not any(word.startswith("mode=") for word in options):
        options.append("mode=1777")
    linux.mount("tmpfs", mount.target, "tmpfs", flags, ",".join(options))


def make_target(descriptor: int, target: str) -> None:
    """Make the folder or the file on which something can be mounted."""
    if os.path.exists(target):
        return
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))


def empty(folder: str, device: int) -> None:
    """Remove what is in a folder and on the same file system."""
    for entry in os.scandir(folder):
        status = entry.stat(follow_symlinks=False)
        if status.st_dev != device:
            continue
        if entry.is_dir(follow_symlinks=False):
            empty(entry.path, device)
            with contextlib.suppress(OSError):  # something is mounted below it
                os.rmdir(entry.path)
        else:
            os.unlink(entry.path)


def _fill(descriptor: int, folder: str) -> None:
    """Copy an image's folder to a volume that is still empty, owners included."""
    volume = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    try:
        if os.path.isdir(folder) and not os.listdir(volume):
            _copy_folder(folder, volume)
    finally:
        os.close(volume)


def _copy_folder(folder: str, into: int) -> None:
    for entry in os.scandir(folder):
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(entry.name, 0o700, dir_fd=into)
            own = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=into)
            try:
                _copy_folder(entry.path, own)
            finally:
                os.close(own)
        else:
            _copy_file(entry.path, status, entry.name, into)
    _look_alike(into, folder)


def _copy_file(path: str, status: os.stat_result, name: str, into: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(path), name, dir_fd=into)
    elif stat.S_ISREG(status.st_mode):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(path, "rb") as source, open(os.open(name, flags, 0o600, dir_fd=into), "wb") as to:
            shutil.copyfileobj(source, to)
            os.fchmod(to.fileno(), stat.S_IMODE(status.st_mode))
    else:
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=into)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=into, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=into)  # chown clears mode bits
    times = (status.st_atime_ns, status.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=into, follow_symlinks=False)


def _look_alike(folder: str | int, other: str) -> None:
    """Give a folder the owner, the mode and the times of another one."""
    status = os.stat(other)
    os.chown(folder, status.st_uid, status.st_gid)
    os.chmod(folder, stat.S_IMODE(status.st_mode))
    os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))
