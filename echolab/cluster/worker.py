"""What runs in a Dask worker: it compares, keeps the kernel, and has a program perform the job.

Everything that comes and goes here is of Python's own types, so that another version of echolab
understands at least that it is another one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any, TypedDict

from distributed import get_worker

from echolab.engines.exact import engine as exact
from echolab.errors import CannotRun, EcholabError
from echolab.kernel import build, packed
from echolab.runs import execute
from echolab.runs.slots import Slots
from echolab.settings import Settings
from echolab.version import __version__

FREE = 64 << 20
"""Bytes that must be free where jobs write, before a job and after it."""

EVERY = 0.5
"""Seconds between two lines of progress that a job sends; the last one is always sent."""


class Facts(TypedDict):
    """What a job's result may depend on of the machine where it was performed."""

    version: str
    python: str
    processor: str
    kernel: str


class Reply(TypedDict):
    """What became of a job: `kind` is "result", "failed" or "lacks".

    `content` is the pickled result; `why` says what failed.
    """

    kind: str
    content: bytes
    why: str
    worker: str
    facts: Facts


def facts(kernel: str = "") -> Facts:
    """The facts of this machine; `kernel` is the digest of the one that is used."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "processor": execute.machine().processor,
        "kernel": kernel,
    }


def perform(version: str, kernel: str, key: str, topic: str, work: bytes, job: bytes) -> Reply:
    """Perform a job with the kernel of that digest, or with the one that this machine insists on.

    Lines of progress go to the topic, with the job's key.
    """
    worker = get_worker()
    folder = Path(worker.local_directory)
    settings = Settings.from_environment(os.environ)

    def reply(kind: str, *, content: bytes = b"", why: str = "") -> Reply:
        return {
            "kind": kind,
            "content": content,
            "why": why,
            "worker": worker.address,
            "facts": facts(used),
        }

    used = ""
    if version != __version__:
        return reply("failed", why=f"it has echolab {__version__}, not {version}")
    try:
        path, used = _kernel(settings, kernel)
        if path is None:
            return reply("lacks")
        if full := _full(folder):
            return reply("failed", why=full)
        lines = _Lines(worker, topic, key)
        content = _performer(folder).perform(key, path, work, job, lines)
    except EcholabError as error:
        return reply("failed", why=str(error))
    except OSError as error:
        return reply("failed", why=str(error.strerror or error))
    if full := _full(folder):
        return reply("failed", why=full)
    return reply("result", content=content)


def _full(folder: Path) -> str:
    """What to say of a disk that is full; empty if it is not."""
    free = shutil.disk_usage(folder).free
    return f"{folder} has only {free >> 20} MB free" if free < FREE else ""


# --- the kernel


def _kernel(settings: Settings, digest: str) -> tuple[str | None, str]:
    """The kernel to use and its digest: that of ECHOLAB_KERNEL, or the one that is wanted.

    None for one that is not here, empty where jobs need none. Raises CannotRun if this machine
    cannot run any.
    """
    if not digest:
        return "", ""
    if settings.kernel is not None:
        found = build.find(settings.cache, settings.kernel)
    else:
        found = build.with_digest(settings.cache, digest)
    if found is None:
        return None, digest
    if lack := exact.lack(dataclasses.replace(settings, kernel=found.path)):
        raise CannotRun(lack.what, lack.remedy)
    return str(found.path), found.digest


def keep_kernel(content: bytes) -> None:
    """Keep a packed kernel in the cache of this machine."""
    room = build.room(Settings.from_environment(os.environ).cache)
    room.mkdir(parents=True, exist_ok=True)
    draft = room / f"sent-{os.getpid()}-{threading.get_ident()}"
    try:
        draft.write_bytes(content)
        packed.unpack(draft, room)
    finally:
        draft.unlink(missing_ok=True)


def set_place(name: str, count: int, number: int, place: int, *, dask_worker: Any = None) -> None:
    """Let the searches of this machine know where another one's found its failure."""
    Slots(count, Path(dask_worker.local_directory, name)).set(number, place)


# --- the programs that perform jobs


class _Lines:
    """Sends lines of progress, but no more than the scheduler should be troubled with."""

    def __init__(self, worker: Any, topic: str, key: str) -> None:
        self._worker, self._topic, self._key = worker, topic, key
        self._last = float("-inf")

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            self._worker.log_event(self._topic, (self._key, line))


class _Performer:
    """A program that performs jobs for one thread of this worker (see `performer`)."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "echolab.cluster.performer"),
                    *(str(theirs.fileno()), str(folder), str(os.getpid())),
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        self.key = ""

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def perform(self, key: str, kernel: str, work: bytes, job: bytes, lines: _Lines) -> bytes:
        """The pickled result. Raises CannotRun for a job that failed, or was ended."""
        self.key = key
        try:
            self._ours.send((kernel, work, job))
            while True:
                kind, value = self._ours.recv()
                if kind == "result":
                    return bytes(value)
                if kind == "failed":
                    raise CannotRun(value)
                lines(value)
        except (EOFError, OSError):
            self.close()
            raise CannotRun("the program that performs its jobs was killed") from None
        finally:
            self.key = ""

    def end_process(self) -> None:
        """End the program; what it was performing is undone. Called by any thread."""
        self._process.terminate()

    def close(self) -> None:
        """End the program and release what it had; called by its own thread."""
        self._process.terminate()
        self._process.wait()
        self._ours.close()


_own = threading.local()

_all: set[_Performer] = set()


def _performer(folder: Path) -> _Performer:
    """The program of this thread, started if there is none yet."""
    found: _Performer | None = getattr(_own, "performer", None)
    if found is None or found.ended:
        _all.discard(found) if found else None
        found = _own.performer = _Performer(folder)
        _all.add(found)
    return found


def end(keys: list[str]) -> None:
    """End those of the jobs with these keys that this worker is performing."""
    for one in tuple(_all):
        if one.key and one.key in keys:
            with contextlib.suppress(OSError):
                one.end_process()
