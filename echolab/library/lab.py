"""The lab that a program opens: a scenario's lab, and its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from echolab.engines.contract import Program
from echolab.errors import BadInput, EcholabError
from echolab.library.notebook import PacketStory, Report, ShownProbe
from echolab.record import Probe, Record
from echolab.scenario.kernel_counts import KernelCount
from echolab.scenario.lab import Lab


class OpenLab(Lab):
    """A lab that `open` has opened: everything that a scenario's `Lab` is, and its end.

    It ends with its `with` block, with `record`, `report` or `story`, or with `close`; after that
    its hosts can no longer be used. `out` is the run's folder, which stays as long as this object
    unless `open` was told where to put it.
    """

    out: Path
    _gather: Callable[[], Record]
    _let_go: Callable[[], None]
    _record: Record | None = None
    _broken: BaseException | None = None

    def _own(self, out: Path, gather: Callable[[], Record], let_go: Callable[[], None]) -> None:
        """Take over a folder, the record under way, and what ends the network."""
        self.out = out
        self._gather = gather
        self._let_go = let_go

    @property
    def ended(self) -> bool:
        """Whether the lab has ended, so that its hosts can no longer be used."""
        return self._record is not None or self._broken is not None

    def record(self) -> Record:
        """End the lab, if it has not ended, and return its judged record.

        Raises CannotRun if the lab broke down before.
        """
        if self._record is None:
            if self._broken is not None:
                raise self._broken
            try:
                self._record = self._gather()
            except BaseException as error:
                self._broken = error
                raise
            finally:
                self._let_go()
        return self._record

    def story(self, at: float | None = None) -> PacketStory:
        """End the lab and return the packets' story; `at` puts those from that second first."""
        return PacketStory(self.record(), self.out, at)

    def report(self) -> Report:
        """End the lab and return the report, one page that opens offline."""
        return Report(self.record(), self.out)

    def close(self) -> None:
        """End the lab without a record; do nothing if it has ended."""
        if not self.ended:
            self._broken = BadInput("the lab was closed", "ask for its record before")
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.record()
            elif isinstance(error, Exception):
                with contextlib.suppress(EcholabError):
                    self.record()  # the packets that led to the error are worth a look
        finally:
            self.close()

    def _baseline_pairs(self) -> list[tuple[str, str]]:
        """The baseline probes whose target answers: users' hosts need not have an echo service."""
        return [pair for pair in super()._baseline_pairs() if self._echoes(pair[1])]

    def _finish_probe(self, program: Program, started: float, counted: KernelCount) -> Probe:
        return ShownProbe.of(super()._finish_probe(program, started, counted))
