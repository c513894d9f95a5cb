"""Booting the guest kernel: one ordinary process that always ends with its owner."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from echolab import resources
from echolab.errors import CannotRun
from echolab.kernel.arguments import (
    OWN_FOLDER,
    Boot,
    Clock,
    FreeRunning,
    Held,
    RealTime,
    boot_arguments,
    boot_environment,
)
from echolab.kernel.image import Kernel
from echolab.kernel.processor import Processor

__all__ = [
    "Boot",
    "Clock",
    "Ended",
    "FreeRunning",
    "Guest",
    "Held",
    "RealTime",
    "boot_arguments",
    "boot_environment",
    "guest_path",
]

PRIVATE = ".guest"
"""The folder that a boot makes for itself inside the run's folder, and removes."""

CONSOLE_KEPT = 64 * 1024
"""How many bytes of the console's end are kept."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a guest ended.

    `status` is the kernel process's exit status, or a signal's number, negated; `console`
    is the end of the guest's console output; `timed_out` is whether the wall-clock limit
    ended it; `wall_seconds` is how long it ran.
    """

    status: int
    console: str
    timed_out: bool
    wall_seconds: float


def guest_path(link: str) -> str:
    """Where the guest finds the `links` that Guest was given, until it mounts its own /proc."""
    return f"{OWN_FOLDER}/{PRIVATE}/{link}"


class Guest:
    """A guest kernel, booted by the constructor. Its root is the machine's files, read-only.

    `folder` is the run's folder and the kernel process's working directory: the guest
    mounts it with `mount -t hostfs -o /proc/self/cwd`. `links` names files that the boot
    needs; the guest finds them at `guest_path(name)`. `memory_folder` holds the guest's
    memory, unless `unnamed`, the object that memfd.c is compiled to, keeps it elsewhere;
    `pass_fds` are file descriptors for `boot.devices`.

    The kernel is killed when the thread that created it ends, for whatever reason. So
    create it and wait for it in one thread. Raises CannotRun if it cannot be started.
    """

    def __init__(
        self,
        kernel: Kernel,
        boot: Boot,
        folder: Path,
        memory_folder: Path,
        *,
        links: Mapping[str, Path] | None = None,
        pass_fds: Sequence[int] = (),
        unnamed: Path | None = None,
    ) -> None:
        self._private = folder / PRIVATE
        self._console = bytearray()
        self._started = time.monotonic()
        with contextlib.ExitStack() as undo:
            self._make_private(links or {}, undo)
            preloads = (kernel.preload, *((unnamed,) if unnamed else ()))
            self._process = _start(kernel, boot, folder, memory_folder, pass_fds, preloads)
            assert self._process.stdout is not None
            undo.callback(self._process.stdout.close)
            undo.callback(self._end_process)
            if not isinstance(boot.clock, RealTime):
                undo.callback(_pin(self._process.pid).close)
            self._pidfd = os.pidfd_open(self._process.pid)
            undo.callback(os.close, self._pidfd)
            self._undo = undo.pop_all()

    @property
    def pid(self) -> int:
        """The kernel's process ID, which is also its process group ID and session ID."""
        return self._process.pid

    def wait(self, limit: float, tick: Callable[[], None] | None = None) -> Ended:
        """Wait until the guest has ended, or end it after `limit` seconds of wall time.

        Meanwhile `tick` is called about once a second.
        """
        timed_out = not self._watch(self._started + limit, tick)
        self._end_process()
        self._read_console()
        return Ended(
            status=self._process.returncode,
            console=self._console.decode(errors="replace"),
            timed_out=timed_out,
            wall_seconds=time.monotonic() - self._started,
        )

    def kill(self) -> None:
        """Kill the kernel, from any thread; whoever waits for its end reaps it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """End the guest if it is still running, and remove what the boot made."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _watch(self, deadline: float, tick: Callable[[], None] | None) -> bool:
        """Read the console until the kernel has ended; False if the deadline came first."""
        output = self._output()
        events = select.poll()
        events.register(output, select.POLLIN)
        events.register(self._pidfd, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            ready = {descriptor for descriptor, _ in events.poll(min(left, 1.0) * 1000)}
            if self._pidfd in ready:
                return True
            if output in ready and not self._read_console():
                events.unregister(output)
            if tick:
                tick()
        return False

    def _output(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def _read_console(self) -> bool:
        """Read what the console has written; False at its end."""
        while True:
            try:
                text = os.read(self._output(), CONSOLE_KEPT)
            except BlockingIOError:
                return True
            if not text:
                return False
            self._console += text
            del self._console[:-CONSOLE_KEPT]

    def _end_process(self) -> None:
        """Kill the kernel and everything that it started, and collect its exit status.

        The group is killed before the kernel is waited for, because only until then is
        its ID certainly ours. A kernel that powered itself off keeps its exit status.
        """
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _make_private(self, links: Mapping[str, Path], undo: contextlib.ExitStack) -> None:
        try:
            self._private.mkdir()
            undo.callback(shutil.rmtree, self._private, ignore_errors=True)
            for name, target in links.items():
                (self._private / name).symlink_to(target)
        except OSError as error:
            raise CannotRun(
                f"cannot prepare the guest's boot in {self._private}: {error.strerror}",
                "choose another folder with --out",
            ) from error


def _pin(pid: int) -> Processor:
    processor = Processor()
    with contextlib.suppress(OSError):
        os.sched_setaffinity(pid, {processor.number})
    return processor


def _start(
    kernel: Kernel,
    boot: Boot,
    folder: Path,
    memory_folder: Path,
    pass_fds: Sequence[int],
    preloads: Sequence[Path],
) -> subprocess.Popen[bytes]:
    arguments = boot_arguments(
        str(kernel.path), boot, private=PRIVATE, has_seccomp=kernel.has_seccomp
    )
    # By descriptor, because a path in LD_PRELOAD (ld.so(8)) must not hold a space or a colon.
    with contextlib.ExitStack() as opened:
        descriptors = [opened.enter_context(path.open("rb")).fileno() for path in preloads]
        environment = boot_environment(
            boot,
            memory_folder=str(memory_folder),
            preload=":".join(f"/proc/self/fd/{descriptor}" for descriptor in descriptors),
            parent=os.getpid(),
        )
        try:
            process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(*pass_fds, *descriptors),
            )
        except OSError as error:
            raise CannotRun(
                f"{kernel.path} cannot be started: {error.strerror}",
                f"rebuild it: {resources.COMMAND} build kernel",
            ) from error
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return process
