"""The program that performs a job on the namespaces engine: the guest kernel's init.

    python3 guest.py            as process 1 of the guest kernel, for the engine `exact`
    python3 guest.py FOLDER PID as root on this kernel, for the engine `namespaces`, by
                                the process of that number, with which it ends

It takes `request.json` (`{"job": …}`) from the run's folder and leaves `guest.json` there:
`{"record": …}`, or `{"error": {kind, message, remedy, trace}}`. Several jobs (`{"jobs": […]}`)
are performed one after the other, each on a network of its own; what they leave is in the
folders `0`, `1`, … At their end the first `most` of them that made a claim which does not hold
are performed once more as the request's `again` has them, in `again-0`, … What scripts
print goes to standard output, which is the guest's console.

Strategy: the jobs run in a child, since a process 1 that ends takes the kernel with it;
what imports much is imported there. Each of several jobs runs in a child of that one, so
that no job meets what another left. In the guest the run's folder is the kernel process's
working directory on the machine, mounted at a fixed place.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

MCL_CURRENT, MCL_FUTURE = 1, 2

mlockall = ctypes.CDLL(None).mlockall


class Children:
    """Whether the next child of this process is given all its memory at once."""

    filled = False


def fill_memory() -> None:
    """Have this process's memory filled at once, now and whenever it grows (mlockall(2)).

    Memory that is filled at once lies in few pieces, and what the guest's kernel maps for
    a forked child it maps piece by piece (arch/um/kernel/tlb.c); a page that is touched
    for the first time, or after a fork, costs a switch to the kernel and back.
    """
    mlockall(MCL_CURRENT | MCL_FUTURE)


def fill_at_fork() -> None:
    """Fill a new child's memory where that is wanted, before the child touches any."""
    if Children.filled:
        Children.filled = False
        fill_memory()


if os.getpid() == 1:
    fill_memory()
    os.register_at_fork(after_in_child=fill_at_fork)  # before anybody else does

sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from echolab.engines import linux  # noqa: E402 (found by the line above)

PLACE = "/run"
"""What the guest covers with memory for its own use."""

FOLDER = f"{PLACE}/echolab"
"""Where the run's folder is in the guest."""

MACHINE_FOLDER = "/proc/self/cwd"
"""The same folder as the kernel process on the machine names it."""

OPEN_FILES = 65536
"""Descriptors that the engine may have: five for a host, two for a capture, four for a program."""

REQUEST, ANSWER = "request.json", "guest.json"

CRASHED = "the process that ran the scenario ended without an answer"


def boot() -> NoReturn:
    """Be process 1: mount, have a child perform the job, power off whatever happens."""
    try:
        linux.mount("tmpfs", PLACE, "tmpfs", 0, "mode=755")
        os.mkdir(FOLDER)
        linux.mount("none", FOLDER, "hostfs", 0, MACHINE_FOLDER)
        linux.mount("proc", "/proc", "proc")
        linux.mount("sysfs", "/sys", "sysfs")
        supervise(FOLDER, "exact")
    except BaseException:
        traceback.print_exc()
    finally:
        os.sync()
        linux.power_off()
    raise SystemExit(1)


def perform_here(folder: str, owner: int) -> int:
    """Perform the job on this kernel, in a PID namespace that ends with this process.

    This process ends with its owner: where that is gone already, nothing is begun.
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
        supervise(folder, "namespaces")
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def supervise(folder: str, engine: str) -> None:
    """Have a child perform the jobs, and reap whatever becomes this process's child."""
    _in_child(lambda: answer_all(folder, engine), folder)


def answer_all(folder: str, engine: str) -> None:
    """Perform what the request asks for: one job here, several in a child each."""
    import json

    with open(f"{folder}/{REQUEST}", encoding="utf-8") as file:
        request = json.load(file)
    if "job" in request:
        answer(request["job"], folder, folder, engine)
        return
    _import_for_all({job["script"] for job in request["jobs"]})
    for number, job in enumerate(request["jobs"]):
        own = f"{folder}/{number}"
        _in_child(partial(answer, job, folder, own, engine), own)
    for number in _to_repeat(folder, request):
        own = f"{folder}/again-{number}"
        _in_child(partial(answer, request["again"][number], folder, own, engine), own)
    _write(folder, {})


def _to_repeat(folder: str, request: dict[str, Any]) -> list[int]:
    """The numbers of the first `most` jobs that made a claim which does not hold."""
    import json

    found: list[int] = []
    for number in range(len(request["jobs"])):
        if len(found) == request["most"]:
            break
        with open(f"{folder}/{number}/{ANSWER}", encoding="utf-8") as file:
            record = json.load(file).get("record", {})
        if any(claim["holds"] is False for claim in record.get("claims", ())):
            found.append(number)
    return found


def _import_for_all(scripts: set[str]) -> None:
    """Import once what each of several jobs needs, so that their processes need not.

    Strategy: what is frozen the collector leaves alone, so that a child does not write to
    the pages that it shares, each of which would cost a fault.
    """
    import contextlib
    import gc
    from pathlib import Path

    import echolab.engines.namespaces
    import echolab.perform  # noqa: F401
    from echolab.errors import EcholabError
    from echolab.script import load

    for script in sorted(scripts):
        with contextlib.suppress(EcholabError):  # the job itself will tell
            load(Path(script))
    gc.collect()
    gc.freeze()


def _in_child(work: Callable[[], None], folder: str) -> None:
    """Do the work in a child; where that leaves no answer in `folder`, leave one that says so."""
    Children.filled = True
    try:
        child = os.fork()
    finally:
        Children.filled = False
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
        message = f"{CRASHED} ({how})"
        _write(folder, {"error": _described("CannotRun", message, "look at what it printed")})


def answer(job: dict[str, Any], run: str, folder: str, engine: str) -> None:
    """Perform a job of the run in the folder `run`; leave its answer in `folder`."""
    linux.prctl(linux.PR_SET_TIMERSLACK, 1)  # what sleeps is woken on time, to the nanosecond
    _allow_open_files()
    from echolab.errors import EcholabError

    try:
        said: dict[str, Any] = {"record": _perform(job, run, folder, engine)}
    except EcholabError as error:
        kind = type(error).__name__
        trace = getattr(error, "trace", "")
        said = {"error": _described(kind, error.message, error.remedy, trace)}
    except BaseException as error:
        message = f"the engine failed: {type(error).__name__}: {error}"
        said = {"error": _described("CannotRun", message, "report it", traceback.format_exc())}
    _write(folder, said)


def _allow_open_files() -> None:
    """Allow as many descriptors as a large lab needs, or as many as this root may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, max(OPEN_FILES, most)))
    except ValueError:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _perform(asked: dict[str, Any], run: str, folder: str, engine: str) -> dict[str, Any]:
    from pathlib import Path

    import echolab.engines.namespaces as namespaces
    from echolab.job import Job
    from echolab.perform import perform

    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    job = Job.from_json(asked)
    own = [f"{run}/{name}" for name in job.folders if not name.startswith("/")]
    place = Path(PLACE, f"echolab-{os.urandom(6).hex()}")
    place.mkdir()
    try:
        with namespaces.NamespaceNetwork(
            job.topology,
            folder=Path(folder),
            place=place,
            folders=[name for name in job.folders if name.startswith("/")],
            packages=[_echo_app(), *own],
            capturing=job.capture,
            grouped=engine == "exact",
        ) as network:
            return dict(perform(job, network, engine))
    finally:
        place.rmdir()


def _echo_app() -> str:
    return f"{sys.path[0]}/echo_app"


def _described(kind: str, message: str, remedy: str, trace: str = "") -> dict[str, str]:
    return {"kind": kind, "message": message, "remedy": remedy, "trace": trace}


def _write(folder: str, said: dict[str, Any]) -> None:
    """Write the answer so that it is there whole or not at all."""
    import json

    draft = f"{folder}/{ANSWER}.draft"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(draft, f"{folder}/{ANSWER}")


if __name__ == "__main__":
    if os.getpid() == 1:
        boot()
    sys.exit(perform_here(sys.argv[1], int(sys.argv[2])))
