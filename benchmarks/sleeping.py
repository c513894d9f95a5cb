"""The job of `benchmarks.cluster`, which Dask workers import."""

from __future__ import annotations

import time

from echolab.progress import Progress
from echolab.settings import Settings


def slept(settings: Settings, job: float, progress: Progress) -> float:
    """A job: it lasts so many seconds, and takes no processor time."""
    time.sleep(job)
    return job
