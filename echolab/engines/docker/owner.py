"""Who owns a run's containers, and the removal of those whose owner is dead.

Strategy: a run holds an exclusive flock(2) on a file of its own as long as it lives; the kernel
releases it however the process ends. The labels of everything that the run makes name that file and
its machine. Whoever can take the lock knows that the owner is dead, so that its leftovers may be
removed; two runs at once never touch each other's things.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from docker.errors import APIError, NotFound

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors

LABEL = "echolab"
"""On everything of ours; the value says what it is: host, link, network, image."""

LOCK = "echolab.lock"
"""On everything of a run: the path of the file that its owner holds locked."""

MACHINE = "echolab.machine"
"""On everything of a run: the name of the machine where that path means something."""


CONFLICT = 409
"""The daemon's status for what cannot be done now."""

IN_PROGRESS = "already in progress"
"""What it says of something that it is removing."""

REMOVAL_LIMIT = 10
"""Seconds within which it must have removed that."""


class Owner:
    """A run's claim on what it makes: `project` is its unique name, `labels` mark things."""

    def __init__(self, folder: Path) -> None:
        """Take a new lock in `folder`, which is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self.project, self.lock, self._held = _take(folder)

    def labels(self, role: str) -> dict[str, str]:
        """The labels of what this run makes."""
        return {LABEL: role, LOCK: str(self.lock), MACHINE: socket.gethostname()}

    def close(self) -> None:
        """Give the claim up; by then nothing of the run may be left."""
        if self._held >= 0:
            self.lock.unlink(missing_ok=True)
            os.close(self._held)
            self._held = -1

    def __enter__(self) -> Owner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _take(folder: Path) -> tuple[str, Path, int]:
    while True:
        project = f"echolab-{secrets.token_hex(4)}"
        path = folder.resolve() / f"{project}.lock"
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            return project, path, held
        os.close(held)  # another run saw it unlocked for a moment and removed it


@contextlib.contextmanager
def _dead(path: Path) -> Iterator[bool]:
    """Whether the owner of that lock file is dead; inside the block nobody else can claim it."""
    try:
        held = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield True
        return
    except OSError:  # another user's file: that user's runs check it
        yield False
        return
    try:
        dead = _lock(held)
        yield dead
        if dead:
            path.unlink(missing_ok=True)
    finally:
        os.close(held)


def _lock(held: int) -> bool:
    """Whether the lock could be taken, without waiting."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def reap(api: Api, folder: Path) -> int:
    """Remove what dead runs left on the daemon, and lock files in `folder`.

    The daemon finishes a request even if its sender has died, so more may appear: this looks
    again until nothing is left. What appears later still is removed by the next call.
    Returns how many things were removed. Raises CannotRun if the daemon refuses.
    """
    removed = 0
    while removed_now := _reap_once(api, folder):
        removed += removed_now
    return removed


def _reap_once(api: Api, folder: Path) -> int:
    locks = {Path(entry) for entry in _lock_labels(api)}
    locks |= set(folder.glob("echolab-*.lock"))
    removed = 0
    for lock in sorted(locks):
        with _dead(lock) as dead:
            if dead:
                ours = (f"{LOCK}={lock}", f"{MACHINE}={socket.gethostname()}")
                removed += remove(api, *ours) + remove_built(api, *ours)
    return removed


def clean(api: Api, *, images: bool = True) -> int:
    """Remove everything with our label, whoever owns it, and nothing else.

    Returns how many things were removed. Raises CannotRun if the daemon refuses.
    """
    removed = remove(api, LABEL) + remove_built(api, LABEL)
    if images:
        with daemon_errors("removing images"):
            found = api.images(filters={"label": LABEL})
            # The newest first: an image cannot be removed before those built on it.
            for image in sorted(found, key=lambda image: -image["Created"]):
                removed += _gone(lambda name: api.remove_image(name, force=True), image["Id"])
    return removed


def remove(api: Api, *labels: str) -> int:
    """Remove the containers, networks and volumes with all those labels; returns how many."""
    wanted = {"label": list(labels)}
    with daemon_errors("cleaning up"):
        containers = [entry["Id"] for entry in api.containers(all=True, filters=wanted)]
        removed = _all_gone(functools.partial(_end, api), containers)
        networks = [entry["Id"] for entry in api.networks(filters=wanted)]
        removed += _all_gone(api.remove_network, networks)
        volumes = [entry["Name"] for entry in api.volumes(filters=wanted)["Volumes"] or []]
        return removed + sum(_gone(api.remove_volume, one) for one in volumes)


def remove_built(api: Api, *labels: str) -> int:
    """Remove the images built by runs, if they have all those labels; return how many.

    They belong to one run: the images of hosts and links, which all runs share, name no lock.
    """
    with daemon_errors("removing images"):
        found = api.images(filters={"label": [LOCK, *labels]})
        return sum(
            _gone(lambda name: api.remove_image(name, force=True), one["Id"]) for one in found
        )


def _lock_labels(api: Api) -> Iterable[str]:
    with daemon_errors("looking for what earlier runs left"):
        wanted = {"label": [LOCK, f"{MACHINE}={socket.gethostname()}"]}
        found: list[Mapping[str, Any]] = [
            *api.containers(all=True, filters=wanted),
            *api.networks(filters=wanted),
            *(api.volumes(filters=wanted)["Volumes"] or []),
            *api.images(filters=wanted),
        ]
    return {entry["Labels"][LOCK] for entry in found}


def _end(api: Api, container: str) -> None:
    """Remove a container, which may run, and what it keeps; or wait until the daemon has.

    It removes a link's container by itself, and while it does so it lets no network go.
    """
    try:
        api.remove_container(container, force=True, v=True)
    except APIError as error:
        if error.status_code == CONFLICT and IN_PROGRESS in str(error.explanation):
            with contextlib.suppress(requests.Timeout):
                api.wait(container, timeout=REMOVAL_LIMIT, condition="removed")
        raise


def _all_gone(remove_one: Callable[[str], Any], names: Sequence[str]) -> int:
    """Remove several things at once; how many were removed. Raises the first error at the end.

    The daemon mostly waits for the kernel. In threads of our own: a pool takes no more work when
    the interpreter is ending.
    """
    counts: dict[str, int] = {}
    errors: list[Exception] = []

    def work(name: str) -> None:
        try:
            counts[name] = _gone(remove_one, name)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts.values())


def _gone(remove_one: Callable[[str], Any], name: str) -> int:
    """Remove one thing; 0 if somebody else is removing it, has removed it, or still uses it."""
    try:
        remove_one(name)
    except NotFound:
        return 0
    except APIError as error:
        if error.status_code == CONFLICT and any(
            words in str(error.explanation) for words in (IN_PROGRESS, "being used")
        ):
            return 0
        raise
    return 1
