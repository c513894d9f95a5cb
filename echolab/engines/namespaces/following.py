"""The system calls of programs that run, as strace(1) tells them, for whoever watches.

Strategy: the engine attaches strace to each program before its first instruction. Neither the
engine nor what it starts pays for time (echolab/kernel/lab.c), so the program's lab time is the
same as without. What strace writes goes to memory, or to a file that the machine can read while
the program runs; a program's calls are followed until they fill `MOST`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from echolab.engines import programs

MOST = 8 << 20
"""Bytes of calls of one program."""

CHUNK = 1 << 16

OUTPUT = 3
"""The descriptor to which strace writes."""

STRACE = (*programs.STRACE[:-1], f"{programs.STRACE[-1]},nanosleep,clock_nanosleep,wait4,futex")
"""As for a program that a scenario has traced, and with everything that a program waits in."""

LOOKS_FOR = ("-e", f"{STRACE[-1]},access,faccessat,faccessat2")
"""With these words also the files that a program looks for, whose paths may tell its line
(echolab/engines/lines)."""


class Calls:
    """The system calls of one program: of process `pid`, which is stopped and now goes on.

    `strace` is the path of the program of that name. With a `file`, strace writes there.
    """

    def __init__(self, pid: int, strace: str, file: Path | None = None) -> None:
        how = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        self._file = os.open(file, how, 0o644) if file else os.memfd_create("calls")
        self._place = 0
        self._tracer = 0
        try:
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            words = [strace, *STRACE[1:], *LOOKS_FOR, "-qq"]
            words += ["-o", f"/proc/self/fd/{OUTPUT}", "-p", str(pid)]
            actions = [(os.POSIX_SPAWN_DUP2, self._file, OUTPUT)]
            self._tracer = os.posix_spawn(strace, words, {}, file_actions=actions)
            while not self._ended() and not _is_traced(pid):
                os.sched_yield()
            os.kill(pid, signal.SIGCONT)
        except BaseException:
            self.close()
            raise

    def new(self) -> str:
        """What strace has written since the last time; the last line may go on later."""
        found = bytearray()
        while data := os.pread(self._file, CHUNK, self._place):
            found += data
            self._place += len(data)
        if self._place > MOST and not self._ended():
            os.kill(self._tracer, signal.SIGTERM)  # it lets the program go on by itself
        return found.decode(errors="replace")

    def _ended(self) -> bool:
        if self._tracer and os.waitpid(self._tracer, os.WNOHANG)[0]:
            self._tracer = 0
        return not self._tracer

    def close(self) -> None:
        """End strace; its program has ended."""
        if not self._ended():
            os.kill(self._tracer, signal.SIGKILL)
            os.waitpid(self._tracer, 0)
            self._tracer = 0
        os.close(self._file)


def _is_traced(pid: int) -> bool:
    """Whether a process has a tracer (proc_pid_status(5))."""
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True  # it is gone
    return "TracerPid:\t0\n" not in told
