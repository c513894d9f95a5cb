"""A watched run: performed as far as somebody wants to see it, again and again from its start.

Strategy: a run repeats to the byte. So whoever interferes at some moment, or goes back to one,
gets a new run that is performed from the start with all that was done to it before, as fast as
it goes up to that moment. There a calendar holds its clock.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from echolab import sayings
from echolab.engines.exact import engine
from echolab.errors import BadInput, EcholabError
from echolab.intervention import Intervention
from echolab.kernel.boot import Guest, Held
from echolab.kernel.calendar import FOR_EVER, SOCKET, Calendar
from echolab.language import translate as _
from echolab.record import Record
from echolab.record.format import dump, read
from echolab.runs import execute, folders
from echolab.runs.plan import PlannedRun
from echolab.scenario.watched import FILE, Look, Opening
from echolab.settings import Settings
from echolab.watch.calls import Calls, ShownCall
from echolab.watch.flights import Flight
from echolab.watch.packets import Packets, Reader

STEP = 0.25
"""Lab seconds between two looks."""

NANOSECONDS = 1e9

BLIND = 2e7
"""Nanoseconds by which a guest may go on before anybody sees whether the lab has begun: less than
the time to the second look."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is known of a run: up to which lab second, every packet, every call, every look.

    Up to lab second `certain` nothing of it will be seen otherwise. `record` is there when the run
    has ended; `error` says what ended it otherwise.
    """

    horizon: float
    certain: float
    opening: Opening | None
    looks: tuple[Look, ...]
    flights: tuple[Flight, ...]
    calls: tuple[ShownCall, ...]
    record: Record | None
    error: str


class WatchedRun:
    """One run in a guest whose clock is held, from its boot on.

    `changed` is called, by threads of its own, whenever there is more to see. It is performed
    up to lab second `wanted`; `want` lets it go on. `generation` tells it from others.
    """

    def __init__(
        self,
        planned: PlannedRun,
        folder: Path,
        settings: Settings,
        changed: Callable[[], None],
        generation: int,
    ) -> None:
        self.generation = generation
        self.folder = folder
        self._planned = planned
        self._settings = dataclasses.replace(
            settings, folder=folder, compose=planned.compose, wall_limit=FOR_EVER
        )
        self._changed = changed
        self._lock = threading.Lock()
        self._seeing = threading.Lock()
        self._wanted = 0.0
        self._held_at = 0
        self._opening: Opening | None = None
        self._looks: list[Look] = []
        self._calls: Calls | None = None
        self._packets = Reader(folder)
        self._taken = 0
        self._guest: Guest | None = None
        self._ended = False
        self._stopped = False
        self.record: Record | None = None
        self.error = ""
        self._calendar = Calendar(folder, self._held)
        self._thread = threading.Thread(target=self._perform, name="echolab watch", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._ended

    def want(self, second: float) -> None:
        """Let the run go on, as far as the look behind that lab second."""
        with self._lock:
            if second <= self._wanted:
                return
            self._wanted = second
        self._grant()

    def close(self) -> None:
        """End the guest, if it still runs, and wait for that."""
        self._stopped = True
        guest = self._guest
        if guest is not None:
            with contextlib.suppress(OSError):  # it has ended by itself, and is closed
                guest.kill()
        self._calendar.close()
        self._thread.join()

    def seen(self) -> Seen:
        """Everything that is known now."""
        ended = self._ended
        with self._seeing:
            return self._seen(ended=ended)

    def _seen(self, *, ended: bool) -> Seen:
        with self._lock:
            self._read()
            opening, looks = self._opening, tuple(self._looks)
            calls = self._calls.all() if self._calls else ()
        found = Packets((), 0.0)
        if opening is not None:
            deeds = self._planned.job.interventions
            found = self._packets.read(opening, looks, deeds, ended=ended)
        horizon = looks[-1].at if looks else 0.0
        if self.record is not None:
            horizon = max(horizon, self.record.lab_seconds)
        certain = horizon if self.record or self.error else found.certain
        return Seen(horizon, certain, opening, looks, found.flights, calls, self.record, self.error)

    def _grant(self) -> None:
        """Let it go on to the next look, so that this one can be shown meanwhile."""
        with self._lock:
            opening, wanted, held = self._opening, self._wanted, self._held_at
        if opening is not None:
            reached = (held - opening.clock) / NANOSECONDS  # a look may have had to wait
            number = int(max(0.0, min(wanted, reached)) / STEP) + 1
            self._calendar.allow(opening.clock + (number * STEP + STEP / 100) * NANOSECONDS)

    def _held(self, moment: int) -> None:
        """The guest has come as far as it may; `moment` is where it would go next."""
        with self._lock:
            self._read()
            self._held_at = moment
        if self._opening is None:
            self._calendar.allow(moment + BLIND)  # it has not come to lab second 0
            return
        self._grant()  # `seen` may have read of the beginning first, and grants nothing
        self._changed()

    def _read(self) -> None:
        """Take in what the run has told since the last time."""
        try:
            with (self.folder / FILE).open("rb") as file:
                file.seek(self._taken)
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return
        for line in lines:
            if not line.endswith(b"\n"):
                return  # it is being written
            self._taken += len(line)
            told = json.loads(line)
            if self._opening is None:
                self._opening = read(Opening, told, FILE)
                self._calls = Calls(self._opening)
            else:
                look = read(Look, told, FILE)
                if self._calls is not None:
                    self._calls.take(look)
                self._looks.append(dataclasses.replace(look, calls=()))

    def _perform(self) -> None:
        job = dataclasses.replace(self._planned.job, watched=STEP)
        try:
            with execute.Watch(virtual=True) as watch:
                performed = engine.run(
                    job, self._settings, lambda line: None, clock=Held(SOCKET), booted=self._booted
                )
            record = watch.complete(
                performed, self.folder, self._planned.compose, self._planned.warnings
            )
            self.record = dataclasses.replace(record, script=job.script)
            folders.write(self.folder / folders.RECORD, dump(self.record))
        except EcholabError as error:
            self.error = sayings.error(error.message)
        except Exception as error:  # whoever watches must learn of it
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._ended = True
            if not self._stopped:
                self._changed()

    def _booted(self, guest: Guest) -> None:
        self._guest = guest
        if self._stopped:
            guest.kill()


class Session:
    """The run that is watched now, and all that was done to it; perhaps an `other` one beside it.

    `changed` is called when there is more to see. Folders of runs that were given up are
    removed; the last one stays below `out`. `furnish` puts into
    a new one what hosts must see. Before it has come to lab second `target` it shows
    nothing new.
    """

    def __init__(
        self,
        planned: PlannedRun,
        out: Path,
        settings: Settings,
        changed: Callable[[], None],
        furnish: Callable[[Path], None] | None = None,
    ) -> None:
        self._planned = planned
        self._out = out
        self._furnish = furnish
        self._settings = settings
        self._changed = changed
        self._lock = threading.Lock()
        self.interventions: tuple[Intervention, ...] = planned.job.interventions
        self._started = 0
        self.target = 0.0
        self.followed = False
        self.without: Intervention | None = None
        self.other: WatchedRun | None = None
        self.run = self._start(self.interventions)

    def _start(self, interventions: Sequence[Intervention]) -> WatchedRun:
        self._started += 1
        job = dataclasses.replace(
            self._planned.job, interventions=tuple(interventions), followed=self.followed
        )
        folder = folders.create(self._out, job.scenario, "watch").resolve()
        if self._furnish is not None:
            self._furnish(folder)
        planned = dataclasses.replace(self._planned, job=job)
        return WatchedRun(planned, folder, self._settings, self._changed, self._started)

    def intervene(self, interventions: Sequence[Intervention], second: float) -> None:
        """Perform the run anew with other interventions, up to a lab second."""
        with self._lock:
            self.interventions = tuple(sorted(interventions, key=lambda one: one.at))
            self._again(second)

    def follow(self, second: float) -> None:
        """Perform the run anew, up to a lab second, with the programs' system calls followed."""
        with self._lock:
            self.followed = True
            self._again(second)

    def compare(self, without: Intervention | None, second: float) -> None:
        """Have a second run go on beside this one: as if one intervention had not been.

        It goes as far as a lab second, and then as far as `want` says. None ends it. Raises
        BadInput if nobody did that.
        """
        with self._lock:
            if without is not None and without not in self.interventions:
                raise BadInput(_("nobody did that"), _("choose something that was done"))
            self._give_other_up()
            if without is None:
                return
            rest = [one for one in self.interventions if one != without]
            self.without, self.other = without, self._start(rest)
            self.other.want(second)

    def want(self, second: float) -> None:
        """Let the runs go on, as far as the look behind that lab second."""
        for run in (self.run, self.other):
            if run is not None:
                run.want(second)

    def _again(self, second: float) -> None:
        self._give_other_up()
        self._give_up(self.run)
        self.target = second
        self.run = self._start(self.interventions)
        self.run.want(second)

    def _give_other_up(self) -> None:
        other, self.other, self.without = self.other, None, None
        if other is not None:
            self._give_up(other)

    def _give_up(self, run: WatchedRun) -> None:
        run.close()
        folders.remove(run.folder)

    def close(self) -> Path | None:
        """End it; the folder of the run's record, None if the run was not seen to its end."""
        with self._lock:
            self._give_other_up()
            self.run.close()
            if self.run.record is not None:
                (self.run.folder / FILE).unlink(missing_ok=True)
                return self.run.folder
            folders.remove(self.run.folder)
            return None
