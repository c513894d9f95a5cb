"""Hosts without an image to which the Compose file gives volumes, folders, memory or files.

Their root is the one that all hosts without an image share. It is read-only, so the places where
something is mounted are made in it beforehand; a host that has nothing there sees an empty
folder, or an empty file.

Strategy: what is mounted is prepared where the engine sees it, as mounts that are nowhere yet
(open_tree(2)), and attached in the host's own mount namespace.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from echolab.engines.namespaces import image_root, linux, sandbox
from echolab.engines.namespaces.image_root import Store
from echolab.engines.namespaces.sandbox import HostRoot
from echolab.files import FILE, MEMORY, VOLUME, Mount
from echolab.topology import Host, Topology


def roots(
    topology: Topology,
    folder: str,
    names: Mapping[str, str],
    shared: HostRoot,
    undo: contextlib.ExitStack,
) -> Mapping[str, HostRoot]:
    """The roots of hosts that do not just have the shared one, put together below a folder
    until `undo`.

    `names` are the texts of their /etc/hosts.
    """
    store = undo.enter_context(contextlib.closing(Store(f"{folder}/roots", topology.hosts)))
    mounted = {
        host.name: MountedRoot(shared, store, host, sandbox.account(host, topology.file), undo)
        for host in topology.hosts
        if host.mounts and not host.root
    }
    return {**mounted, **image_root.roots(store, topology.hosts, names)}


class MountedRoot:
    """The root of one host; see `sandbox.HostRoot`. Made where the engine sees its files.

    `account` is whom the host's programs run as: a volume that is new belongs to them.
    """

    def __init__(
        self,
        shared: HostRoot,
        store: Store,
        host: Host,
        account: sandbox.Account,
        undo: contextlib.ExitStack,
    ) -> None:
        self._shared = shared
        self._mounts = sandbox.mounts(host)
        self._prepared: list[tuple[Mount, int]] = []
        for mount in self._mounts:
            descriptor = -1
            if mount.kind != MEMORY:
                descriptor = linux.copy_of_mount(_source(mount, store, host.name, account))
                undo.callback(os.close, descriptor)
            self._prepared.append((mount, descriptor))

    def enter(self) -> None:
        """Go to where the shared root was put together."""
        self._shared.enter()

    def furnish(self) -> None:
        """Mount what the host has for itself, in its namespaces."""
        self._shared.furnish()
        for mount, descriptor in self._prepared:
            image_root.attach(dataclasses.replace(mount, filled=False), descriptor)

    def put_over(self, path: str, text: str) -> None:
        """Show a text as the file of that path, after `furnish`."""
        self._shared.put_over(path, text)

    def forget(self) -> None:
        """Empty what the host has in memory; what is mounted over that is there again."""
        lost = tuple(f"{one}/" for one in sandbox.MEMORY_FOLDERS if one != sandbox.DISK)
        with contextlib.ExitStack() as undo:
            again = []
            for mount in self._mounts:
                if mount.kind == MEMORY:
                    image_root.empty(mount.target, Path(mount.target).stat().st_dev)
                if mount.target.startswith(lost):
                    descriptor = linux.copy_of_mount(mount.target)
                    undo.callback(os.close, descriptor)
                    again.append((mount, descriptor))
            self._shared.forget()
            for mount, descriptor in again:
                image_root.make_target(descriptor, mount.target)
                linux.attach_mount(descriptor, mount.target)


def _source(mount: Mount, store: Store, host: str, account: sandbox.Account) -> str:
    """Where the engine sees what a mount shows."""
    if mount.kind == VOLUME:
        volume = Path(store.volume(mount.source))
        if volume.stat().st_uid == 0 and not any(volume.iterdir()):
            os.chown(volume, account.uid, account.gid)
        return str(volume)
    own = Path(store.place, "own", host)
    own.mkdir(exist_ok=True)
    if mount.kind == FILE:
        return image_root.own_file(mount, str(own))
    return image_root.bound(mount, store, str(own))
