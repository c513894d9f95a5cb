"""A cluster as workers: jobs go to a Dask scheduler, whose workers perform them.

Strategy: Dask keeps the jobs, and gives those of a worker that is gone to another. What it does not
see, `under_way` decides. Whatever happens comes as an event through one queue to the caller's
thread; Dask's own thread does nothing but put it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import pickle
import queue
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import distributed
from distributed.client import ClosedClientError

from echolab.cluster import worker as remote
from echolab.cluster.machines import Machines
from echolab.cluster.under_way import Answered, Came, Event, Gone, Heard, UnderWay
from echolab.cluster.worker import Reply
from echolab.errors import CannotRun
from echolab.kernel import build, packed
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.runs.slots import Board, Slots
from echolab.runs.workers import NoWorkers, Work
from echolab.settings import Settings
from echolab.version import __version__

Job = TypeVar("Job")
Result = TypeVar("Result")

CONNECTING = 10.0
"""Seconds in which the scheduler must answer."""

PATIENCE = 120.0
"""Seconds without word of a job after which it is given to another worker, too: at least."""

AHEAD = 2
"""Jobs that are handed out for each thread of the workers, so that none waits for its next."""

LEAVING = 2.0
"""Seconds that leaving the scheduler may take."""


class Cluster:
    """The workers of a Dask scheduler, until it is closed.

    `address` is the scheduler's, or the path of the file where it wrote it. `note` is told, once
    each, of what the user should know: workers that are gone, and differ. A job is late of which
    nothing was heard for `patience` seconds. With `kernel`, jobs are performed with the kernel of
    these settings. Raises CannotRun if there is no scheduler.
    """

    def __init__(
        self,
        address: str,
        settings: Settings,
        progress: Progress,
        note: Callable[[str], None],
        *,
        patience: float = PATIENCE,
        kernel: bool = True,
    ) -> None:
        self._address = address
        self._patience = patience
        self._kernel = build.ensure(settings.cache, progress, settings.kernel) if kernel else None
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._topic = f"echolab-{uuid.uuid4().hex}"
        self._numbers = itertools.count()
        self._futures: dict[str, distributed.Future[Any]] = {}
        self._workers: dict[str, int] = {}
        self.machines = Machines(note)
        self._client = _connected(address)
        try:
            self._client.subscribe_topic("all", self._hear_of_workers)
            self._client.subscribe_topic(self._topic, self._hear_of_job)
            progress(_("waiting for workers at {address}").format(address=address))
            self._client.wait_for_workers(1)
            self._look()
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        """How many jobs the workers perform at a time."""
        return max(sum(self._workers.values()), 1)

    def close(self) -> None:
        """Leave the scheduler; a second call does nothing."""
        with contextlib.suppress(Exception):  # whatever is wrong with it, it is no longer ours
            self._client.close(timeout=LEAVING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def board(self, count: int) -> Board:
        """Numbers of which each machine has a copy, and is told what changes."""
        return _Board(f"slots-{uuid.uuid4().hex}", count, self._set_place)

    def run(
        self,
        jobs: Iterable[Job],
        work: Work[Job, Result],
        lost: Callable[[Job, str], Result],
        progress: Progress,
        *,
        in_order: bool = True,
    ) -> Generator[Result, None, None]:
        """Have the work done for every job, which can be pickled, and yield the results.

        The results come in the jobs' order or as they come. A job that failed on two
        workers has the result that `lost` makes of it and the reason. Raises NoWorkers if the
        scheduler is gone. Close the iterator to end the running jobs.
        """
        upcoming = enumerate(jobs)
        under_way = UnderWay(self, pickle.dumps(work), lost, progress, self._patience)
        finished: dict[int, Result] = {}
        yielded = 0
        with contextlib.closing(under_way):
            while True:
                room = max(AHEAD * self.count - len(under_way), 0)
                for number, job in itertools.islice(upcoming, room):
                    under_way.start(number, job)
                if not under_way:
                    return
                finished |= under_way.wait()
                while (n := yielded if in_order else min(finished, default=-1)) in finished:
                    yield finished.pop(n)
                    yielded += 1

    # --- what Dask's own thread tells

    def _hear_of_workers(self, event: tuple[float, Any]) -> None:
        told = event[1]
        action = told.get("action") if isinstance(told, dict) else ""
        if action == "remove-worker":
            held = (*told["processing-tasks"], *told["lost-computed-tasks"])
            keys = tuple(key for key in held if isinstance(key, str))
            self._events.put(Gone(told["worker"], keys))
        elif action == "add-worker":
            self._events.put(Came())

    def _hear_of_job(self, event: tuple[float, Any]) -> None:
        key, line = event[1]
        self._events.put(Heard(key, line))

    async def _follow(self, key: str, future: distributed.Future[Any]) -> None:
        """Await an answer, and put it into the queue."""
        reply: Reply | BaseException
        try:
            (reply,) = await self._client.gather([future], asynchronous=True)
        except (Exception, asyncio.CancelledError) as error:
            # Without a scheduler Dask cancels all that is pending, and tries to reconnect.
            reply = error if self._client.status == "running" else asyncio.CancelledError()
        self._events.put(Answered(key, reply))

    # --- what `under_way` asks for

    def key(self, number: int) -> str:
        """A new key for an attempt of the job of that number."""
        return f"{self._topic}-{number}-{next(self._numbers)}"

    def submit(self, key: str, work: bytes, job: bytes, workers: set[str]) -> None:
        """Have a job performed, on one of these workers if there are any."""
        digest = self._kernel.digest if self._kernel else ""
        submit = functools.partial(
            self._client.submit,
            remote.perform,
            *(__version__, digest, key, self._topic, work, job),
            key=key,
            pure=False,
            workers=sorted(workers) or None,
            allow_other_workers=bool(workers),
        )
        future = self._asked(submit)
        self._futures[key] = future
        self._on_loop(self._follow, key, future)

    def event(self, timeout: float) -> Event | None:
        """The next event; None after that many seconds."""
        try:
            event = self._events.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(event, (Gone, Came)):
            self._look()
        return event

    def others(self, avoided: set[str]) -> set[str]:
        """The workers but those; empty means all."""
        return set(self._workers) - avoided

    def holder(self, key: str) -> str:
        """The worker that has the attempt of that key; empty for none."""
        processing = self._asked(self._client.processing)
        return next((worker for worker, keys in processing.items() if key in keys), "")

    def send_kernel(self, worker: str) -> None:
        """Give a worker the kernel that it lacks."""
        self._asked(
            functools.partial(self._client.run, remote.keep_kernel, self._packed, workers=[worker])
        )

    def drop(self, keys: list[str]) -> None:
        """Forget attempts, and end those that are being performed."""
        dropped = [self._futures.pop(key) for key in keys if key in self._futures]
        running = [one for one in dropped if one.status == "pending"]
        if running and self._client.status == "running":
            names = [str(one.key) for one in running]
            self._on_loop(self._run_everywhere, remote.end, names)
            self._client.cancel(running)

    def _on_loop(self, what: Callable[..., Any], *arguments: Any) -> None:
        """Have Dask's own thread do it."""
        assert self._client.loop is not None
        self._client.loop.add_callback(what, *arguments)

    def _set_place(self, name: str, count: int, number: int, place: int) -> None:
        self._on_loop(self._run_everywhere, remote.set_place, name, count, number, place)

    async def _run_everywhere(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(Exception):  # a worker that does not answer
            await self._client.run(function, *arguments, on_error="ignore", asynchronous=True)

    # ---

    def _look(self) -> None:
        """See which workers there are now, with how many threads each."""
        found = self._asked(self._client.scheduler_info)["workers"]
        self._workers = {address: int(one["nthreads"]) for address, one in found.items()}

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """What the scheduler answers. Raises NoWorkers if it does not."""
        try:
            return ask()
        except (OSError, RuntimeError, ClosedClientError, asyncio.CancelledError):
            raise NoWorkers(
                _("the scheduler at {address} is gone").format(address=self._address),
                _("start it, and give the command again"),
            ) from None

    @functools.cached_property
    def _packed(self) -> bytes:
        """The kernel as one file."""
        assert self._kernel is not None
        with tempfile.TemporaryDirectory(prefix="echolab-cluster-") as folder:
            file = Path(folder, "kernel")
            packed.pack(self._kernel, file)
            return file.read_bytes()


class _Board:
    """Slots that machines share by being told (see `slots`); only the command tells them."""

    def __init__(self, name: str, count: int, tell: Callable[[str, int, int, int], None]) -> None:
        self._name, self._count = name, count
        self._tell = tell
        self._told: dict[int, int] = {}

    def __getstate__(self) -> dict[str, object]:
        return {"_name": self._name, "_count": self._count}

    def set(self, number: int, place: int) -> None:
        """Tell the machines, once."""
        if self._told.get(number) != place:
            self._told[number] = place
            self._tell(self._name, self._count, number, place)

    def here(self, folder: Path) -> Slots:
        """The copy of the machine with a job's own folder."""
        return Slots(self._count, folder.parent / self._name)


def _connected(address: str) -> distributed.Client:
    """A client of the scheduler. Raises CannotRun if it does not answer."""
    for name in ("distributed", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told by us
    where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        return distributed.Client(**where, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        told = " ".join(str(error).split())[:200]
        raise CannotRun(
            _("there is no Dask scheduler at {address}: {why}").format(address=address, why=told),
            _("give --cluster the address that the scheduler prints, for example tcp://HOST:8786"),
        ) from None
