"""The exact engine: the whole lab in virtual time, inside a kernel that is one process.

The host side: it writes the job for a guest, boots it, and reads what it left. The guest side is
`echolab.guest`, which performs the job on the namespaces engine. The two share only the run's
folder: `request.json` goes in; `guest.json`, the captures and `programs.log` come out. The guest's
console is kept only to explain failures.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import os
import platform
import re
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from echolab.engines import guest_code, job_files, registry, tools
from echolab.engines.digests import with_digests
from echolab.engines.exact import java_lines, limits, spinning
from echolab.engines.exact.diagnosis import why_it_died, why_it_hung
from echolab.engines.exact.spinning import RepeatedRun, Seen
from echolab.engines.exact.stall import SpinWatch, Stalled, StallWatch, processor_seconds
from echolab.engines.job_files import ANSWER, PROGRAMS, REQUEST, Request
from echolab.engines.persistent import PersistentLab
from echolab.engines.registry import Lack, Needs, Opened, Perform
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job
from echolab.kernel import build, memfd
from echolab.kernel.boot import Boot, Clock, Ended, FreeRunning, Guest, guest_path
from echolab.kernel.command import ENVIRONMENT
from echolab.kernel.image import Kernel
from echolab.kernel.memory import choose_folder
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.record import GuestKernel, Record
from echolab.settings import Settings

NAME = "exact"

TRAITS = registry.TRAITS[NAME]

MEMORY = 512
"""The guest's memory in mebibytes; untouched memory costs nothing."""

MEMORY_PER_HOST = 8
"""Mebibytes for one host of a large lab: one of our programs changes about five of them."""

MEMORY_PER_IMAGE, MOST_FOR_IMAGES = 256, 1024
"""Additional mebibytes for a host with an image: for what it writes to its disk, too."""

LONGEST_BATCH = 3600.0
"""Seconds of wall time that a guest with several jobs may take, whatever it does."""

LARGEST_LAUNCHER = 1 << 20
"""The largest size, in bytes, of a program that has nearly all its code in a library."""

HASHING = {"PYTHONHASHSEED": "0"}
"""The order of sets is the same in all of a guest's jobs, whatever the seed of the first."""

OURS = "python3 -m echo_app."
"""How the lecture's programs begin, which run in the guest's own interpreter."""

FALLBACK = Path("/var/tmp")  # noqa: S108
"""The folder of the guest's memory if no file system in memory has room for it."""


def lack(settings: Settings) -> Lack | None:
    """None if this machine can run the engine, with a kernel that is built or can be."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return Lack("its kernel runs on x86-64 Linux only", "use --engine docker")
    if not shutil.which("tc", path=ENVIRONMENT["PATH"]):
        return Lack("tc, which shapes links, is not there", "run: sudo apt-get install -y iproute2")
    try:
        choose_folder(MEMORY, FALLBACK)
        if build.find(settings.cache, settings.kernel):
            return None
    except EcholabError as error:
        return Lack(error.message, error.remedy)
    missing = build.missing_tools()
    if not missing:
        return None
    packages = " ".join(build.packages_for(missing))
    return Lack(
        f"its kernel is not built yet, and {', '.join(missing)} are not there to build it",
        f"run: sudo apt-get install -y {packages}",
    )


def needs(settings: Settings) -> Needs:
    """The guest kernel, the tools that it runs, and Docker's images as roots."""
    return Needs.KERNEL | Needs.TOOLS | Needs.IMAGES


def run(
    job: Job,
    settings: Settings,
    progress: Progress,
    perform: Perform | None = None,
    *,
    clock: Clock | None = None,
    booted: Callable[[Guest], None] | None = None,
) -> Record:
    """Have the job performed in a guest and return its record, not judged yet.

    `perform` is not called: the guest's program performs the job there (`echolab.guest`). Time runs
    free unless another `clock` is given; `booted` is called with the guest as soon as there is
    one. Raises what the guest raised, and CannotRun if it ended without an answer: it panicked,
    ran out of memory, let `settings.wall_limit` seconds pass, or a program computed for
    `spinning.LIMIT` seconds without a system call.
    """
    kernel = build.ensure(settings.cache, progress, settings.kernel)
    folder = settings.folder
    job = prepared(job, settings, progress)
    job_files.write(folder / REQUEST, job_files.text(Request(job)))
    try:
        ended = _boot(kernel, [job], settings, progress, clock=clock, booted=booted)
        record = _record(folder, ended, settings.wall_limit)
    except Stalled:
        raise _why_it_spins(kernel, job, settings, progress) from None
    finally:
        for name in (REQUEST, ANSWER, f"{ANSWER}.draft"):
            (folder / name).unlink(missing_ok=True)
    return _completed(record, kernel, settings)


def _why_it_spins(kernel: Kernel, job: Job, settings: Settings, progress: Progress) -> CannotRun:
    """The error for a job that a spinning program stopped, which is performed once more for it."""
    limit = min(settings.wall_limit, spinning.LIMIT)
    again = settings.folder / "again"
    again.mkdir()
    try:
        progress(_("a program computes without end: the run is repeated to see where"))
        last = _seen(kernel, job, dataclasses.replace(settings, folder=again), progress)
        log = settings.folder / PROGRAMS
        return spinning.why(log, last, limit) or why_it_hung("", log, limit, "processor time")
    finally:
        shutil.rmtree(again, ignore_errors=True)


def spinning_at(job: Job, settings: Settings, progress: Progress, memory: int) -> Seen:
    """Perform a job, in which a program computes without end, to see where it does.

    `settings.folder` holds what the hosts see and `memory` is the guest's in mebibytes, as when the
    job was performed first.
    """
    kernel = build.ensure(settings.cache, progress, settings.kernel)
    return _seen(kernel, job, settings, progress, memory)


def _seen(
    kernel: Kernel,
    job: Job,
    settings: Settings,
    progress: Progress,
    memory: int | None = None,
) -> Seen:
    job = java_lines.asked(job, settings.folder, settings.cache)
    job_files.write(settings.folder / REQUEST, job_files.text(Request(job, explained=True)))
    with (
        contextlib.suppress(Stalled),
        _guest(kernel, [job], settings, progress, memory) as guest,
    ):
        guest.wait(settings.wall_limit, RepeatedRun(guest.pid, settings.folder).look)
    return spinning.seen(settings.folder)


def _completed(record: Record, kernel: Kernel, settings: Settings) -> Record:
    """A record with what only this side knows added."""
    record = dataclasses.replace(
        record,
        guest_kernel=GuestKernel(kernel.source, kernel.digest),
        versions=tools.used_here(record, settings.cache),
    )
    if all(" ".join(program.argv).startswith(OURS) for program in record.programs):
        return record
    from echolab.engines.exact import hardware_random

    return hardware_random.with_warnings(record, settings)


@dataclasses.dataclass(frozen=True)
class Repeats:
    """Jobs to perform after all others, in the same guest.

    `jobs` has one for each of the others, in the same order. Those whose counterpart made a
    claim that does not hold are performed, but only the first `most` of them.
    """

    jobs: Sequence[Job]
    most: int


def run_all(
    jobs: Sequence[Job],
    settings: Settings,
    progress: Progress,
    again: Repeats | None = None,
    *,
    memory: int | None = None,
) -> list[Record | EcholabError]:
    """Perform jobs one after another in one guest, each on a network of its own.

    Returns each job's record, or the error that ended it. If the guest itself ends during a job,
    the list ends with that job's error, and the jobs after it are not performed. Captures are in
    the folders `0`, `1`, … of the run's folder. The guest is also ended after
    `settings.wall_limit` seconds of processor time in which no program on its hosts started or
    ended. The guest's seed is the first job's. `repeated` returns the records of the jobs in
    `again`. `memory` is the guest's in mebibytes; None chooses it by the number of hosts.
    """
    kernel = build.ensure(settings.cache, progress, settings.kernel)
    folder = settings.folder
    again = again or Repeats((), 0)
    jobs = [prepared(job, settings, progress) for job in jobs]
    again = Repeats([prepared(job, settings, progress) for job in again.jobs], again.most)
    for number in range(len(jobs)):
        (folder / str(number)).mkdir()
    for number in range(len(again.jobs)):
        repeat_folder(folder, number).mkdir()
    request = Request(jobs=tuple(jobs), again=tuple(again.jobs), most=again.most)
    job_files.write(folder / REQUEST, job_files.text(request))
    try:
        ended = _boot(kernel, jobs, settings, progress, several=True, memory=memory)
    finally:
        (folder / REQUEST).unlink(missing_ok=True)
        (folder / ANSWER).unlink(missing_ok=True)
    results: list[Record | EcholabError] = []
    for number in range(len(jobs)):
        own = folder / str(number)
        whole = (own / ANSWER).exists()
        try:
            results.append(_record(own, ended, settings.wall_limit))
        except EcholabError as error:
            results.append(error)
        if not whole:
            break
    return results


def repeat_folder(folder: Path, number: int) -> Path:
    """The folder of the job with that number when it is performed again."""
    return folder / f"again-{number}"


def repeated(folder: Path, number: int) -> Record | None:
    """The record of the job with that number when it was performed again; None if it was not."""
    own = repeat_folder(folder, number)
    try:
        record = job_files.read_answer(own / ANSWER).record
        return record and with_digests(record, own)
    except (OSError, BadInput):
        return None


def interpreter() -> Path:
    """The interpreter itself, not its name in the virtual environment."""
    return Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))


def library_beside(program: Path) -> Path | None:
    """The folder of the libraries that a program looks for beside itself; None if it does not.

    Such a program names the folder by $ORIGIN (ld.so(8)), which the loader resolves by /proc; the
    guest's first program has no /proc yet. Some builds of Python are small programs of this
    kind; a build with the library inside is not read.
    """
    if program.stat().st_size > LARGEST_LAUNCHER:
        return None
    found = re.search(rb"\$ORIGIN(?:/([^\0:]*))?[\0:]", program.read_bytes())
    return program.parent / os.fsdecode(found[1] or b"") if found else None


def memory_for(hosts: int, images: int = 0) -> int:
    """The guest's memory in mebibytes for a lab of that many hosts, some of them with images."""
    usual = max(MEMORY, MEMORY // 2 + MEMORY_PER_HOST * hosts)
    return usual + min(MEMORY_PER_IMAGE * images, MOST_FOR_IMAGES)


def prepared(job: Job, settings: Settings, progress: Progress) -> Job:
    """The job with the roots of the hosts that have images; most jobs have none.

    Raises BadInput or CannotRun for an image that is not available.
    """
    if not settings.roots and not any(host.image or host.mounts for host in job.topology.hosts):
        return job
    from echolab.engines.exact import roots

    return roots.have(job, settings, progress)


def _memory_of(job: Job) -> int:
    hosts = job.topology.hosts
    return memory_for(len(hosts), sum(1 for host in hosts if host.root))


def _boot(
    kernel: Kernel,
    jobs: Sequence[Job],
    settings: Settings,
    progress: Progress,
    *,
    several: bool = False,
    memory: int | None = None,
    clock: Clock | None = None,
    booted: Callable[[Guest], None] | None = None,
) -> Ended:
    folder, wall_limit = settings.folder, settings.wall_limit
    log, name = folder / PROGRAMS, jobs[0].scenario
    with _guest(kernel, jobs, settings, progress, memory, clock=clock) as guest:
        if booted:
            booted(guest)
        if not several:
            spins = SpinWatch(guest.pid, min(wall_limit, spinning.LIMIT))

            def tick_alone() -> None:
                if clock is None:
                    spins.look()
                progress(job_files.doing(log, name))

            return guest.wait(wall_limit, tick_alone)
        logs = [
            own / PROGRAMS
            for number in range(len(jobs))
            for own in (folder / str(number), repeat_folder(folder, number))
        ]
        watch = StallWatch(guest.pid, logs, wall_limit)

        def tick() -> None:
            watch.look()
            ended = sum((folder / str(number) / ANSWER).exists() for number in range(len(jobs)))
            progress(_("performed {count} of {of}").format(count=ended, of=len(jobs)))

        try:
            return guest.wait(LONGEST_BATCH, tick)
        except Stalled:
            return guest.wait(0)


@contextlib.contextmanager
def _guest(
    kernel: Kernel,
    jobs: Sequence[Job],
    settings: Settings,
    progress: Progress,
    memory: int | None,
    channel: int | None = None,
    clock: Clock | None = None,
) -> Iterator[Guest]:
    """A guest for jobs, with the code that performs them; it calls over `channel` if given."""
    size = memory or max(map(_memory_of, jobs))
    for job in jobs:
        limits.check(job.topology)
    links = {"python": interpreter()}
    library = library_beside(links["python"])
    if library is not None:
        links["lib"] = library
    libraries = {"LD_LIBRARY_PATH": guest_path("lib")} if library is not None else {}
    calls = channel is not None
    boot = Boot(
        init=(
            *(guest_path("python"), "-S", "-B", guest_path("guest.py")),
            *(["calls"] if calls else []),
        ),
        memory=size,
        clock=clock or FreeRunning(),
        seed=jobs[0].seed,
        devices=(f"lab_call={channel}",) if calls else (),
        variables={**HASHING, **libraries},
    )
    room = choose_folder(size, FALLBACK)
    unnamed = None if room.in_memory else memfd.ensure(settings.cache)
    if not room.in_memory and unnamed is None:
        full = _("no file system in memory has {size} MiB free: the guest's is in {folder}")
        progress(full.format(size=size, folder=room.path))
    with guest_code.guest_code(settings.cache) as code:
        links["guest.py"] = code / guest_code.PROGRAM
        descriptors = () if channel is None else (channel,)
        with Guest(
            kernel,
            boot,
            settings.folder,
            room.path,
            links=links,
            pass_fds=descriptors,
            unnamed=unnamed,
        ) as guest:
            yield guest


def persistent_lab(
    like: Job, settings: Settings, progress: Progress, *, memory: int | None = None
) -> PersistentLab:
    """A lab that stays in one guest, for jobs one after another, each on its own network.

    Its memory folder and first seed suit a job `like` this one, `prepared` as all others must be;
    `memory` is the guest's in mebibytes. Each request may take `settings.wall_limit` seconds of
    processor time. Raises CannotRun if the guest cannot be booted.
    """
    kernel = build.ensure(settings.cache, progress, settings.kernel)
    boot = functools.partial(_guest, kernel, [like], settings, progress, memory)
    complete = functools.partial(_completed, kernel=kernel, settings=settings)
    return PersistentLab(_GuestProcess(boot), settings.folder, settings.wall_limit, complete)


def open_lab(job: Job, settings: Settings, progress: Progress) -> Opened:
    """Bring the hosts of a job up in a guest of their own; see the registry."""
    job = prepared(job, settings, progress)
    lab = persistent_lab(job, settings, progress)
    try:
        network = lab.open(job, "", TRAITS, alone=True)
    except BaseException:
        lab.close()
        raise
    return Opened(network, lab.complete)


class _GuestProcess:
    """The guest of a lab that stays; see `LabProcess`."""

    def __init__(self, boot: Callable[[int], contextlib.AbstractContextManager[Guest]]) -> None:
        self._boot = boot
        self._ended: Ended | None = None
        self._guest: Guest | None = None
        self._lock = threading.Lock()

    def follow(self, channel: socket.socket, started: Callable[[], None]) -> None:
        """Boot the guest and follow it to its end."""
        with self._boot(channel.fileno()) as guest:
            channel.close()
            self._guest = guest
            started()
            try:
                self._ended = guest.wait(math.inf)
            finally:
                with self._lock:
                    self._guest = None

    def used(self) -> float:
        """Seconds of processor time: a busy machine slows healthy guests down as well."""
        with self._lock:
            return processor_seconds(self._guest.pid) if self._guest is not None else math.inf

    def end(self) -> None:
        """Kill the guest."""
        with self._lock:
            if self._guest is not None:
                self._guest.kill()

    def why(self, folder: Path, limit: float | None) -> CannotRun:
        """Why it ended, according to its console and its log of programs."""
        console, status = (self._ended.console, self._ended.status) if self._ended else ("", 0)
        log = folder / PROGRAMS
        if limit is not None:
            return why_it_hung(console, log, limit, of="processor time")
        return why_it_died(status, console, log)


def _record(folder: Path, ended: Ended, wall_limit: float) -> Record:
    """The record that the guest left. Raises the error that it left, or says why it left none."""
    try:
        answer = job_files.read_answer(folder / ANSWER)
    except FileNotFoundError:
        log = folder / PROGRAMS
        if ended.timed_out:
            raise why_it_hung(ended.console, log, wall_limit) from None
        raise why_it_died(ended.status, ended.console, log) from None
    except (OSError, BadInput) as error:
        raise CannotRun(
            f"what the guest left in {folder} cannot be read: {error}", "run it again"
        ) from error
    return with_digests(job_files.record(answer), folder)
