"""The program that performs a job on the namespaces engine: the guest kernel's init.

    python3 guest.py            as process 1 of the guest kernel, for the engine `exact`
    python3 guest.py FOLDER PID as root on this kernel, for the engine `namespaces`; started
                                by process PID, and ends with it

    python3 guest.py … calls    the same, for a lab that stays: what it is to do it is told over
                                calls (echolab.engines.calls), in the guest kernel those of the
                                kernel, otherwise over its standard input, a socket

It reads `request.json` (`{"job": …}`) in the run's folder and leaves `guest.json` there:
`{"record": …}`, or `{"error": {kind, message, remedy, trace}}`. Several jobs (`{"jobs": […]}`) are
performed one after another, each on its own network, with their results in the folders `0`, `1`, …
Then, of the jobs that made a claim that does not hold, the first `most` are performed again, as the
request's `again` describes them, in `again-0`, … Standard output is the guest's console. A lab that
stays performs each job as it comes, or holds a network up and carries out requests
(echolab.engines.serve).

Strategy: the jobs run in a child, because the kernel panics when process 1 ends. The child imports
what is slow to import, so that the fork itself is cheap. Each of several jobs runs in a child of
its own, so that no job sees what another left. In the guest, the run's folder is the kernel
process's working directory on the machine, mounted at a fixed place.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from echolab.engines.calls import Caller, Exchange
    from echolab.engines.contract import Network
    from echolab.engines.job_files import Answer, Request
    from echolab.job import Job

gc.disable()  # while modules are imported, the collector would find nothing

sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

from echolab.engines.namespaces import linux, memory  # noqa: E402 (found by the line above)

if os.getpid() == 1:
    memory.begin()

PLACE = "/run"
"""Folders that the guest covers with memory for its own use."""

FOLDER = f"{PLACE}/echolab"
"""Where the run's folder is in the guest."""

MACHINE_FOLDER = "/proc/self/cwd"
"""The same folder as the kernel process on the machine names it."""

OPEN_FILES = 65536
"""Descriptors for the engine: up to 16 for a host, 2 for a capture, 4 for a program."""

MARGIN = 0.005
"""Seconds before the moment at which a lab begins, to prepare it."""

REQUEST, ANSWER = "request.json", "guest.json"

CALLS = "calls"
"""The word that starts a lab that stays."""

PERIOD = 512.0
"""Seconds between two moments at which a lab may begin: the kernel's timers go off in the same way
from each. They are rounded to 1, 8, 64, 512 and 4096 ms, the longer the coarser, counted from the
boot (kernel/time/timer.c)."""

PROBE, CLIENTS = "echo_app.probe", "echo_app.workload"
"""What most scenarios run on a host."""

SHOWS_LINES = "echolab/engines/exact/sitecustomize"
"""What has Python show the lines that it executes; see there."""

SHOWS_CALLS = "echolab/engines/lines/sitecustomize"
"""What has Python show the lines at which it makes system calls."""

CRASHED = "the process that ran the scenario ended without an answer"


def boot() -> NoReturn:
    """Be process 1: mount, have a child perform the job, power off whatever happens."""
    try:
        linux.mount("tmpfs", PLACE, "tmpfs", 0, "mode=755")
        os.mkdir(FOLDER)
        linux.mount("none", FOLDER, "hostfs", 0, MACHINE_FOLDER)
        linux.mount("proc", "/proc", "proc")
        linux.mount("sysfs", "/sys", "sysfs")
        supervise(FOLDER, own_kernel=True)
    except BaseException:
        traceback.print_exc()
    finally:
        os.sync()
        linux.power_off()
    raise SystemExit(1)


def perform_here(folder: str, owner: int) -> int:
    """Perform the job on this kernel, in a PID namespace that ends with this process.

    This process ends with its owner: if that has already ended, nothing begins.
    """
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:
        return 1
    linux.unshare(linux.CLONE_NEWPID | linux.CLONE_NEWNS)
    first = os.fork()
    if first == 0:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("proc", "/proc", "proc")
        if not folder.startswith(f"{PLACE}/"):
            linux.mount("tmpfs", PLACE, "tmpfs", 0, "mode=755")  # a killed run leaves no folder
        supervise(folder, own_kernel=False)
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def supervise(folder: str, *, own_kernel: bool) -> None:
    """Have a child perform the jobs, and reap every process that becomes this process's child."""
    work = answer_calls if CALLS in sys.argv else answer_all
    _in_child(lambda: work(folder, own_kernel=own_kernel), folder)


def answer_calls(folder: str, *, own_kernel: bool) -> None:
    """Carry out requests, call after call, until nobody asks any more.

    Each answer passes through a file in memory, so that the answer left by a crash can take its
    place.
    """
    from echolab.engines.calls import Caller
    from echolab.engines.job_files import Asked
    from echolab.record.format import read

    call = Caller(linux.call() if own_kernel else _standard_input())
    place = f"{PLACE}/answers-{os.getpid()}"
    os.mkdir(place)
    prepared: set[tuple[object, ...]] = set()
    said = "{}"
    while True:
        try:
            asked = read(Asked, call(said), "what is asked")
        except (OSError, EOFError):
            return
        needs = (asked.job.script, *(host.command for host in asked.job.topology.hosts))
        if needs not in prepared:
            prepared.add(needs)
            _import_for_all([asked.job])
        work = partial(hold, call=call) if asked.hold else answer
        own = f"{folder}/{asked.folder}"
        _in_child(partial(work, asked.job, folder, own, place, own_kernel=own_kernel), place)
        with open(f"{place}/{ANSWER}", encoding="utf-8") as file:
            said = file.read()
        os.unlink(f"{place}/{ANSWER}")


def _standard_input() -> Exchange:
    import socket

    from echolab.engines.calls import over_socket

    return over_socket(socket.socket(fileno=0))


def answer_all(folder: str, *, own_kernel: bool) -> None:
    """Perform the request: one job here, several in a child each."""
    from pathlib import Path

    from echolab.engines.job_files import Answer, read_request

    request = read_request(Path(folder, REQUEST))
    perform = partial(answer, own_kernel=own_kernel, explained=request.explained)
    if request.job is not None:
        perform(request.job, folder, folder, folder)
        return
    _import_for_all(request.jobs)
    for number, job in enumerate(request.jobs):
        own = f"{folder}/{number}"
        _in_child(partial(perform, job, folder, own, own), own)
    for number in _to_repeat(folder, request):
        own = f"{folder}/again-{number}"
        _in_child(partial(perform, request.again[number], folder, own, own), own)
    _write(folder, Answer())


def _to_repeat(folder: str, request: Request) -> list[int]:
    """The numbers of the first `most` jobs that made a claim which does not hold."""
    from pathlib import Path

    from echolab.engines.job_files import read_answer

    found: list[int] = []
    for number in range(len(request.jobs)):
        if len(found) == request.most:
            break
        record = read_answer(Path(folder, str(number), ANSWER)).record
        if record is not None and any(claim.holds is False for claim in record.claims):
            found.append(number)
    return found


def _import_for_all(jobs: Sequence[Job]) -> None:
    """Import once what each of several jobs needs, so that their processes need not.

    Strategy: the collector leaves frozen objects alone, so that a child does not write to shared
    pages, each of which would cost a fault.
    """
    import encodings.ascii  # noqa: F401 (as files of /proc are read)
    from pathlib import Path

    import echolab.engines.namespaces.network
    import echolab.engines.registry
    import echolab.scenario.performance  # noqa: F401
    from echolab.engines.namespaces import child, etc
    from echolab.errors import EcholabError
    from echolab.record import format, probe_events
    from echolab.scenario import programs, shipping
    from echolab.scenario.script import load

    format.prepare(probe_events.KINDS)
    etc.needed_of_machine()
    for script in sorted({job.script for job in jobs}):
        with contextlib.suppress(EcholabError, UnicodeDecodeError):  # the job will report it
            load(Path(script))
            shipping.parsed(script, Path(script).read_text(encoding="utf-8"))
            for program in programs.beside(Path(script)):
                child.prepared_program(program)
    hosts = (host for job in jobs for host in job.topology.hosts if not host.idle)
    for module in sorted(
        {PROBE, CLIENTS, *(child.own_module(host.command) for host in hosts)} - {""}
    ):
        child.prepared(module)
    gc.collect()
    gc.freeze()


def _in_child(work: Callable[[], None], folder: str) -> None:
    """Do the work in a child; if that leaves no answer in `folder`, leave one that says so."""
    with memory.copied_child():
        child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    while True:
        pid, status = os.wait()
        if pid == child:
            break
    if not os.path.exists(f"{folder}/{ANSWER}"):
        ended = os.waitstatus_to_exitcode(status)
        how = f"by signal {-ended}" if ended < 0 else f"with status {ended}"
        _fail(folder, "CannotRun", f"{CRASHED} ({how})", "look at what it printed")


def answer(
    job: Job, run: str, folder: str, place: str, *, own_kernel: bool, explained: bool = False
) -> None:
    """Perform a job of the run in the folder `run`, with its captures in `folder`.

    Its answer is left in the folder `place`. `own_kernel` says that the lab has a kernel and a time
    of its own; `explained` is as in `Request`.
    """
    from echolab.engines.job_files import Answer
    from echolab.scenario.performance import perform

    with _answering(place):
        with _network(job, run, folder, own_kernel=own_kernel, explained=explained) as network:
            record = perform(job, network, _engine(own_kernel), alone=True)
        _write(place, Answer(record))


def hold(job: Job, run: str, folder: str, place: str, *, own_kernel: bool, call: Caller) -> None:
    """Hold the network of a job up and carry out requests, until one closes it.

    The other parameters are those of `answer`, but the answers are sent as calls; only the last
    one, or why there is no network, is left in `place`.
    """
    from echolab.engines.job_files import Answer
    from echolab.engines.serve import serve

    with _answering(place):
        with _network(job, run, folder, own_kernel=own_kernel) as network:
            serve(network, call)
        _write(place, Answer())


def _begin(seed: int, turn: int, *, followed: bool) -> None:
    """Begin a lab at a whole second, so that nothing before it shifts its time or its chance.

    Strategy: most of the time until then is slept through, since a kernel that goes on by itself
    ticks a thousand times a second. In a turn, or where calls are followed, the engine runs as
    soon as it can, and programs after it: else their order would depend on how long the kernel's
    threads have waited, which earlier jobs and a clock that is held decide (sched(7); programs do
    not inherit it).
    """
    if turn or followed:
        first = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, first, os.sched_param(1))
    left = 1.0 - MARGIN - time.monotonic()
    time.sleep(max(left % PERIOD, left + PERIOD * (turn - 1)))
    linux.begin_lab(seed, step=10**9)


def _allow_open_files() -> None:
    """Allow as many descriptors as a large lab needs, or as many as this root may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, max(OPEN_FILES, most)))
    except ValueError:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def _answering(place: str) -> Iterator[None]:
    """Write the error that ended the work as the answer."""
    from echolab.errors import EcholabError

    try:
        yield
    except EcholabError as error:
        trace = getattr(error, "trace", "")
        _fail(place, type(error).__name__, error.message, error.remedy, trace, error.printed)
    except BaseException as error:
        message = f"the engine failed: {type(error).__name__}: {error}"
        _fail(place, "CannotRun", message, "report it", traceback.format_exc())


@contextlib.contextmanager
def _network(
    job: Job, run: str, folder: str, *, own_kernel: bool, explained: bool = False
) -> Iterator[Network]:
    """The network of a job, up; the parameters are those of `answer`."""
    from pathlib import Path

    import echolab.engines.namespaces.network as namespaces
    from echolab.engines.registry import TRAITS

    linux.prctl(linux.PR_SET_TIMERSLACK, 1)  # what sleeps is woken on time, to the nanosecond
    if own_kernel:
        _begin(job.seed, job.turn, followed=job.followed)
    _allow_open_files()
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    gc.freeze()
    gc.enable()
    own = [f"{run}/{name}" for name in job.folders if not name.startswith("/")]
    ours = [_echo_app()] if job.lecture else []
    if job.followed:  # programs in a forked interpreter have it from here
        import echolab.engines.lines.sitecustomize  # noqa: F401
    if explained or job.followed:
        ours.append(f"{sys.path[0]}/{SHOWS_LINES if explained else SHOWS_CALLS}")
    place = Path(PLACE, f"echolab-{os.getpid()}")  # a job that crashed may have left another's
    place.mkdir()
    try:
        with namespaces.NamespaceNetwork(
            job.topology,
            TRAITS[_engine(own_kernel)],
            folder=Path(folder),
            place=place,
            folders=[name for name in job.folders if name.startswith("/")],
            packages=[*ours, *own],
            workdir=job.workdir,
            capturing=job.capture,
            grouped=own_kernel,
            followed=job.followed,
            explained=explained,
        ) as network:
            yield network
    finally:
        place.rmdir()


def _engine(own_kernel: bool) -> str:
    return "exact" if own_kernel else "namespaces"


def _echo_app() -> str:
    return f"{sys.path[0]}/echo_app"


def _fail(
    folder: str, kind: str, message: str, remedy: str, trace: str = "", printed: str = ""
) -> None:
    from echolab.engines.job_files import Answer, Failure

    _write(folder, Answer(error=Failure(kind, message, remedy, trace, printed)))


def _write(folder: str, answer: Answer) -> None:
    """Write the answer so that it exists whole or not at all."""
    from echolab.engines import job_files

    draft = f"{folder}/{ANSWER}.draft"
    with open(draft, "w", encoding="utf-8") as file:
        file.write(job_files.text(answer))
        file.flush()
        os.fsync(file.fileno())
    os.rename(draft, f"{folder}/{ANSWER}")


if __name__ == "__main__":
    if os.getpid() == 1:
        boot()
    sys.exit(perform_here(sys.argv[1], int(sys.argv[2])))
