"""The program that performs jobs on a cluster's machine: one at a time, each in a forked process.

    python -m echolab.cluster.performer DESCRIPTOR FOLDER

Strategy: a Dask worker has threads, and a process with threads must not fork. So each of its
threads that performs jobs has such a program beside it, which has none and has imported what jobs
need. It forks for every job by the local pool, so a job that crashes harms only itself. Over the
socket `DESCRIPTOR` come the kernel to use and, pickled, the work and a job; back go lines of
progress and the result. The program ends with the worker, however that ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import shutil
import signal
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from echolab.engines.namespaces import linux
from echolab.progress import Progress
from echolab.runs import interrupts, pool
from echolab.settings import Settings

Answer = tuple[str, bytes | str]
""""result" and it, pickled; or "failed", and why."""


def perform(settings: Settings, work: bytes, job: bytes, tell: Progress) -> Answer:
    """Perform a job in a process of its own."""

    def performed(packed: bytes, progress: Progress) -> Answer:
        result = pickle.loads(work)(settings, pickle.loads(packed), progress)  # noqa: S301
        return "result", pickle.dumps(result)

    def lost(packed: bytes, why: str) -> Answer:
        return "failed", why

    (answer,) = pool.run([job], performed, lost, tell, workers=1)
    return answer


def serve(connection: Connection, folder: Path) -> None:
    """Perform what is asked until nobody asks any more."""
    base = Settings.from_environment(os.environ)
    while True:
        try:
            kernel, work, job = connection.recv()
        except (EOFError, OSError):
            return
        own = Path(tempfile.mkdtemp(prefix="echolab-", dir=folder))
        try:
            settings = dataclasses.replace(
                base, folder=own, kernel=Path(kernel) if kernel else base.kernel
            )
            answer = perform(settings, work, job, lambda line: connection.send(("progress", line)))
        finally:
            shutil.rmtree(own, ignore_errors=True)
        connection.send(answer)


def main() -> None:
    """Serve the worker that started this program, and end with it."""
    descriptor, folder, parent = sys.argv[1:]
    interrupts.install()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is for the worker
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        return
    with contextlib.suppress(KeyboardInterrupt), Connection(int(descriptor)) as connection:
        serve(connection, Path(folder))


if __name__ == "__main__":
    main()
