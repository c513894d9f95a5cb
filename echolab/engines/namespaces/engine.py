"""The engine `namespaces` as its user meets it: what it needs, and how a job runs.

The job runs in a process of its own (`echolab.guest`), which makes a PID namespace for everything
that the lab starts: when it ends, or this process does, nothing is left.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from echolab.engines import guest_code, job_files, registry, tools
from echolab.engines.namespaces import linux, rtnetlink
from echolab.engines.persistent import PersistentLab
from echolab.engines.registry import Lack, Needs, Opened, Perform
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.progress import Progress
from echolab.record import Record
from echolab.settings import Settings

NAME = "namespaces"

TRAITS = registry.TRAITS[NAME]

CONSOLE = "console.log"
"""What the scenario's script prints, and what the engine says when it breaks down."""

LOOK_INTERVAL = 1.0
"""Seconds between two checks of what goes on."""

LOOPBACK = 1


def lack(settings: Settings) -> Lack | None:
    """None if this process may make namespaces and this kernel has netem."""
    if sys.platform != "linux":
        return Lack("network namespaces are there on Linux only", "use --engine docker")
    if os.geteuid() != 0:
        return Lack("making network namespaces needs root", "run it with sudo, or --engine exact")
    try:
        _try_netem()
    except OSError as error:
        return Lack(
            f"this kernel ({os.uname().release}) has no netem ({error.strerror})",
            "install the kernel's extra modules, or use --engine exact",
        )
    return None


def needs(settings: Settings) -> Needs:
    """The tools of this machine: its links are those of its own kernel."""
    return Needs.TOOLS


def _try_netem() -> None:
    """Put netem on the loopback of a new network namespace, which then vanishes."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.unshare(linux.CLONE_NEWNET)
        try:
            with rtnetlink.Netlink() as link:
                link.send([rtnetlink.up(LOOPBACK), rtnetlink.netem(LOOPBACK)])
        finally:
            linux.setns(own, linux.CLONE_NEWNET)
    finally:
        os.close(own)


def run(job: Job, settings: Settings, progress: Progress, perform: Perform | None = None) -> Record:
    """Have the job performed and return its record, not judged yet.

    `perform` is not called: a program does it, as root (`echolab.guest`). Raises what the
    job raised, and CannotRun if it broke down or took longer than `settings.wall_limit`
    seconds.
    """
    folder = settings.folder
    job_files.write(folder / job_files.REQUEST, job_files.text(job_files.Request(job)))
    try:
        with (
            (folder / CONSOLE).open("wb") as console,
            guest_code.guest_code(settings.cache) as code,
        ):
            status = _perform(
                code, folder, console.fileno(), settings.wall_limit, progress, job.scenario
            )
        record = _record(folder, status)
        return dataclasses.replace(record, versions=tools.used_here(record, settings.cache))
    finally:
        for name in (job_files.REQUEST, job_files.ANSWER):
            (folder / name).unlink(missing_ok=True)


def open_lab(job: Job, settings: Settings, progress: Progress) -> Opened:
    """Bring the hosts of a job up in namespaces of a process of their own; see the registry."""
    lab = persistent_lab(settings)
    try:
        network = lab.open(job, "", TRAITS, alone=True)
    except BaseException:
        lab.close()
        raise
    return Opened(network, lab.complete)


def persistent_lab(settings: Settings) -> PersistentLab:
    """A lab that stays, for jobs one after another, each on its own network.

    Each request may take `settings.wall_limit` seconds.
    """

    def complete(record: Record) -> Record:
        return dataclasses.replace(record, versions=tools.used_here(record, settings.cache))

    return PersistentLab(_LabProcess(settings), settings.folder, settings.wall_limit, complete)


class _LabProcess:
    """The process of a lab that stays; see `LabProcess` in `echolab.engines.persistent`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._status = 0

    def follow(self, channel: socket.socket, started: Callable[[], None]) -> None:
        """Start the process and follow it to its end."""
        folder = self._settings.folder
        with (
            (folder / CONSOLE).open("wb") as console,
            guest_code.guest_code(self._settings.cache) as code,
            subprocess.Popen(
                [*_program(code, folder), "calls"],
                stdin=channel.fileno(),
                stdout=console,
                stderr=console,
            ) as process,
        ):
            channel.close()
            self._process = process
            started()
            self._status = process.wait()

    def used(self) -> float:
        """Seconds of the wall clock: a program that sleeps too long uses no processor."""
        return time.monotonic()

    def end(self) -> None:
        """Kill the process, and with it the namespace of everything that it started."""
        if self._process is not None:
            self._process.kill()

    def why(self, folder: Path, limit: float | None) -> CannotRun:
        """Why it ended, as far as its log of programs shows."""
        doing = job_files.doing(folder / job_files.PROGRAMS, NAME)
        if limit is not None:
            return CannotRun(
                f"the lab did not answer within {limit:.0f} s ({doing})",
                "let its programs wait less, or end",
            )
        return CannotRun(
            f"the lab ended (status {self._status}; {doing})",
            f"see {self._settings.folder / CONSOLE}",
        )


def _program(code: Path, folder: Path) -> list[str]:
    """The words that start the program that performs jobs; it ends with this process."""
    program = code / guest_code.PROGRAM
    return [sys.executable, "-E", "-B", str(program), str(folder), str(os.getpid())]


def _perform(
    code: Path, folder: Path, console: int, limit: float, progress: Progress, scenario: str
) -> int:
    process = subprocess.Popen(
        _program(code, folder),
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
    )
    try:
        while limit > 0:
            try:
                return process.wait(min(limit, LOOK_INTERVAL))
            except subprocess.TimeoutExpired:
                limit -= LOOK_INTERVAL
                progress(job_files.doing(folder / job_files.PROGRAMS, scenario))
    finally:
        process.kill()
        process.wait()
    raise CannotRun(
        f"the lab did not end in time ({job_files.doing(folder / job_files.PROGRAMS, scenario)})",
        "let its programs wait less, or end",
    )


def _record(folder: Path, status: int) -> Record:
    try:
        answer = job_files.read_answer(folder / job_files.ANSWER)
    except (OSError, BadInput):
        raise CannotRun(
            f"the lab ended without an answer (status {status})",
            f"see {folder / CONSOLE}",
        ) from None
    return job_files.record(answer)
