"""Which machines performed the jobs of a command, and whether their results compare."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from echolab.language import translate as _
from echolab.record.format import plain
from echolab.runs import folders

FILE = "machines.json"
"""The file of a command's folder that says where its jobs were performed."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a job's result may depend on of the machine where it was performed.

    `kernel` is the digest of the guest kernel, empty where none was used.
    """

    version: str
    python: str
    processor: str
    kernel: str


@dataclasses.dataclass(frozen=True)
class Used:
    """A kind of machine, its workers, and the number of jobs that they performed."""

    machine: Machine
    workers: tuple[str, ...]
    jobs: int


@dataclasses.dataclass(frozen=True)
class Performed:
    """Where a command's jobs were performed: kinds of machines, and what went wrong meanwhile."""

    machines: tuple[Used, ...]
    mixed: tuple[str, ...]
    events: tuple[str, ...]


class Machines:
    """Counts the jobs of each worker; `note` is told once of each thing in which they differ."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._jobs: Counter[tuple[Machine, str]] = Counter()
        self._mixed: list[str] = []
        self._events: list[str] = []

    def count(self, worker: str, machine: Machine) -> None:
        """A job was performed by that worker."""
        self._jobs[machine, worker] += 1
        for field in dataclasses.fields(Machine):
            values = dict.fromkeys(getattr(one, field.name) for one, _worker in self._jobs)
            if len(values) > 1 and field.name not in self._mixed:
                self._mixed.append(field.name)
                told = ", ".join(str(value)[:40] for value in values)
                self._note(
                    _("the machines differ in their {what} ({values}): results may, too").format(
                        what=NAMES[field.name](), values=told
                    )
                )

    def tell(self, event: str) -> None:
        """Something went wrong, and was fixed."""
        self._events.append(event)
        self._note(event)

    def performed(self) -> Performed:
        """Where the jobs were performed until now."""
        kinds = dict.fromkeys(machine for machine, _worker in self._jobs)
        used = tuple(
            Used(
                kind,
                tuple(sorted(worker for machine, worker in self._jobs if machine == kind)),
                sum(count for (machine, _worker), count in self._jobs.items() if machine == kind),
            )
            for kind in kinds
        )
        return Performed(used, tuple(self._mixed), tuple(self._events))

    def write(self, folder: Path) -> None:
        """Write it beside the results."""
        text = json.dumps(plain(self.performed()), indent=1)
        folders.write(folder / FILE, text + "\n")


NAMES: dict[str, Callable[[], str]] = {
    "version": lambda: _("version of echolab"),
    "python": lambda: _("version of Python"),
    "processor": lambda: _("processor"),
    "kernel": lambda: _("guest kernel"),
}
