"""A lab's own folder: removed with the lab, or soon after a process that was killed.

Strategy: the process holds a lock on the folder itself (flock(2)), which the kernel releases with
the process, however that ends. Whoever makes the next folder removes those without a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from echolab.errors import CannotRun


class TemporaryFolder:
    """A new folder below `base`, which is made if it is missing; `remove` removes it.

    Raises CannotRun if it cannot be made.
    """

    def __init__(self, base: Path) -> None:
        try:
            base.mkdir(parents=True, exist_ok=True)
            _remove_left(base)
            while True:
                self.path = Path(tempfile.mkdtemp(dir=base))
                self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                if self.path.exists():
                    break
                os.close(self._lock)  # another process took it for an abandoned one
        except OSError as error:
            raise CannotRun(
                f"cannot make a folder in {base}: {error.strerror}",
                "name a folder that can be written to in XDG_CACHE_HOME",
            ) from None

    def remove(self) -> None:
        """Remove the folder with all that is in it; a second call does nothing."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def _remove_left(base: Path) -> None:
    """Remove the folders of processes that have been killed."""
    for folder in base.iterdir():
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
