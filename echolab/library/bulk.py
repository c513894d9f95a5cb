"""Labs one after another in one guest, each opened in a fraction of the time of a boot."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from echolab.engines.exact import engine as exact
from echolab.engines.persistent import PersistentLab
from echolab.engines.registry import Opened
from echolab.errors import BadInput
from echolab.library import opening
from echolab.library.folder import TemporaryFolder
from echolab.library.lab import OpenLab
from echolab.library.opening import Planned
from echolab.runs.execute import Watch


class Bulk:
    """Labs of the engine `exact`, one after another in one guest.

    What a lab does depends on its hosts, its seed and the calls made; its times differ by some
    microseconds from those in a guest of its own. Only one lab is open at a time.
    """

    def __init__(self) -> None:
        self._undo = contextlib.ExitStack()
        self._folder: Path | None = None
        self._guest: PersistentLab | None = None
        self._room = (0, 0)
        """For how many hosts, and how many with images, the guest has room."""
        self._numbers = itertools.count()
        self._open: OpenLab | None = None

    def open(
        self,
        *,
        compose: Path | str | None = None,
        seed: int = 0,
        capture: bool = True,
        folders: Sequence[Path | str] = (),
        roots: Mapping[str, Path | str] | None = None,
        reach: Sequence[Path | str] = (),
        name: str = opening.NAME,
        limit: float = 600.0,
        environment: Mapping[str, str] | None = None,
    ) -> OpenLab:
        """Open a lab as `echolab.open` does. Raises BadInput while another one is open."""
        if self._open is not None and not self._open.ended:
            raise BadInput("another lab is open in this guest", "end it first, or use echolab.open")
        planned = opening.plan(
            exact.NAME, compose, seed, capture, folders, roots, reach, name, limit, environment
        )
        job = exact.prepared(planned.job, planned.settings, lambda line: None)
        planned = dataclasses.replace(planned, job=job)
        guest, base = self._ready(planned)
        number = str(next(self._numbers))
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, base / number, ignore_errors=True)

            def opener() -> Opened:
                return Opened(guest.open(planned.job, number, exact.TRAITS), guest.complete)

            watch = Watch(virtual=True)
            self._open = opening.hold(planned, base / number, watch, opener, undo, kept=False)
            return self._open

    def _ready(self, planned: Planned) -> tuple[PersistentLab, Path]:
        """The guest and its folder, booted first if none is large enough."""
        if self._folder is None:
            temporary = TemporaryFolder(planned.settings.cache / opening.LABS)
            self._undo.callback(temporary.remove)
            self._folder = temporary.path
        hosts = planned.job.topology.hosts
        wanted = (len(hosts), sum(host.root is not None for host in hosts))
        short = any(has < needs for has, needs in zip(self._room, wanted, strict=True))
        if self._guest is None or self._guest.ended or short:
            if self._guest is not None:
                self._guest.close()
            settings = dataclasses.replace(planned.settings, folder=self._folder)
            self._guest = exact.persistent_lab(planned.job, settings, lambda line: None)
            self._undo.callback(self._guest.close)
            self._room = wanted
        self._guest.limit = planned.settings.wall_limit
        return self._guest, self._folder

    def close(self) -> None:
        """End the lab that is open, and the guest."""
        if self._open is not None:
            self._open.close()
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
