"""A lab that stays: it performs jobs as they come, or holds a network up for many requests.

Strategy: a process dies with the thread that started it (PR_SET_PDEATHSIG in prctl(2)), so each
lab has a thread that starts its process, follows it and sees its end. The caller only waits for
the answer: when the process ends, the thread shuts the channel down.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from echolab.engines import job_files, serve
from echolab.engines.calls import Asker, Ended, Late
from echolab.engines.digests import with_digests
from echolab.engines.job_files import Answer, Asked
from echolab.engines.remote import RemoteNetwork
from echolab.errors import CannotRun
from echolab.job import Job
from echolab.record import Record, Traits
from echolab.record.format import read
from echolab.record.values import Json

LONGEST_END = 10.0
"""Seconds in which a killed process must have ended."""


class LabProcess(Protocol):
    """The process of a lab; the thread that owns it calls the first two methods."""

    def follow(self, channel: socket.socket, started: Callable[[], None]) -> None:
        """Start it with this end of the channel, close the end here, call `started`, await its end.

        Raises CannotRun if it cannot be started.
        """

    def used(self) -> float:
        """Seconds that count against the limit: of its processors, or of the wall clock."""

    def end(self) -> None:
        """Make it end at once; any thread may call this, even after it has ended."""

    def why(self, folder: Path, limit: float | None) -> CannotRun:
        """Why it ended without an answer; because it took more than `limit` seconds, if given.

        `folder` has the log of the programs that it ran last.
        """


class PersistentLab:
    """A lab that stays until it is closed. One thread at a time asks it.

    `folder` is the run's folder. Each request may take `limit` seconds, as its
    process counts them; it may be changed.
    `complete` adds to a record what only the engine knows. Raises CannotRun if it cannot be
    started.
    """

    def __init__(
        self, process: LabProcess, folder: Path, limit: float, complete: Callable[[Record], Record]
    ) -> None:
        self._process = process
        self._folder = folder
        self.limit = limit
        self.complete = complete
        self._turn = threading.Lock()
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._broken: CannotRun | None = None
        self._last = folder
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asker = Asker(ours)
        self._keeper = threading.Thread(
            target=self._keep, args=(theirs,), name="echolab lab", daemon=True
        )
        self._keeper.start()
        self._ready.wait()
        try:
            if self._failed is not None:
                raise self._failed
            self._answer(lambda: self._asker.first(self._late()))
        except BaseException:
            self.close()
            raise

    def _keep(self, theirs: socket.socket) -> None:
        try:
            with theirs:
                self._process.follow(theirs, self._ready.set)
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()
            self._asker.shut()

    @property
    def ended(self) -> bool:
        """Whether the lab has ended, so that it can be asked for nothing more."""
        return self._broken is not None

    def perform(self, job: Job, folder: str) -> Record:
        """Perform a job on a network of its own and return its record, not judged yet.

        Its captures go to `folder`, a new one in the run's. Raises what the job raised, and
        CannotRun if the lab has ended.
        """
        own = self._new_folder(folder)
        answer = read(Answer, self._ask(job_files.text(Asked(job, folder)), own), "the answer")
        return self.complete(with_digests(job_files.record(answer), own))

    def open(self, job: Job, folder: str, traits: Traits, *, alone: bool = False) -> RemoteNetwork:
        """Open a network for the hosts of a job; only it is asked anything until it is closed.

        Its captures go to `folder`, as those of `perform`. If it has the lab `alone`, the lab
        is closed with it. Raises what opening it raised.
        """
        own = self._new_folder(folder)
        asked = Asked(dataclasses.replace(job, parameters={}), folder, hold=True)
        opened = self._ask(job_files.text(asked), own)
        end = self.close if alone else self._close_network
        return RemoteNetwork(self._ask_again, opened, traits, own, end)

    def _close_network(self) -> None:
        with contextlib.suppress(CannotRun):  # whoever asked last was told why it has ended
            self._ask_again(json.dumps([serve.CLOSE]))

    def _new_folder(self, name: str) -> Path:
        own = self._folder / name
        try:
            own.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotRun(
                f"{own} cannot be made: {error.strerror}", "choose another folder"
            ) from None
        return own

    def _ask_again(self, request: str) -> Json:
        return self._ask(request, self._last)

    def _ask(self, request: str, folder: Path) -> Json:
        with self._turn:
            self._last = folder
            return self._answer(lambda: self._asker(request, self._late()))

    def _late(self) -> Late:
        """Whether what is asked now takes too long; counted from the first look at it."""
        began: list[float] = []

        def late() -> bool:
            used = self._process.used()
            began.append(used)
            return used - began[0] >= self.limit

        return late

    def _answer(self, ask: Callable[[], Json]) -> Json:
        """What asking returned. Raises CannotRun if the lab has ended, now or before."""
        if self._broken is not None:
            raise CannotRun(f"the lab has ended: {self._broken.message}", self._broken.remedy)
        try:
            return ask()
        except Ended as ended:
            if ended.late:
                self._process.end()
            self._keeper.join(LONGEST_END)
            self._broken = self._process.why(self._last, self.limit if ended.late else None)
            raise self._broken from None
        except BaseException:  # an interrupt: what was asked is still under way
            self._process.end()
            self._broken = CannotRun("it was interrupted", "open another one")
            raise

    def close(self) -> None:
        """End the lab; a second call does nothing."""
        self._process.end()
        self._keeper.join(LONGEST_END)
        self._asker.close()
        if self._broken is None:
            self._broken = CannotRun("it was closed", "open another one")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
