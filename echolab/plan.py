"""From what the user asked for to orders: which scenario, on which hosts, into which folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from echolab import catalogue, runs
from echolab.catalogue import Entry
from echolab.errors import BadInput
from echolab.execute import Order
from echolab.job import Job


@dataclasses.dataclass(frozen=True)
class Planned:
    """A scenario that shall run: its job, and the Compose file of its hosts."""

    entry: Entry
    compose: Path
    job: Job

    def runs_in(self, engine: str) -> bool:
        """Whether the scenario can be run in that engine."""
        only = self.entry.scenario.engines
        return not only or engine in only


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """The pairs of `--set KEY=VALUE`. Raises BadInput for a text without an equals sign."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInput(f"--set {text} is no KEY=VALUE", "for example --set loss=0.3")
        pairs[key] = value
    return pairs


def jobs(
    entries: Sequence[Entry],
    given: Mapping[str, str],
    *,
    compose: Path | None,
    seed: int,
    capture: bool,
) -> tuple[Planned, ...]:
    """What is to be run, with everything that the user gave checked.

    A parameter that one of several scenarios lacks is left out there; one that all lack is
    refused. Raises BadInput for that, and for a Compose file that cannot be read.
    """
    known = {name for entry in entries for name in entry.scenario.parameters}
    planned = []
    for entry in entries:
        wanted = {
            name: text
            for name, text in given.items()
            if name in entry.scenario.parameters or name not in known
        }
        file = catalogue.compose_file(entry, compose)
        hosts = catalogue.topology(file)
        job = catalogue.job(entry, hosts, wanted, seed, capture=capture)
        planned.append(Planned(entry, file.resolve(), job))
    return tuple(planned)


def left_out(planned: Sequence[Planned], engine: str) -> tuple[str, ...]:
    """A line for each scenario that this engine cannot run."""
    return tuple(
        f"{one.job.scenario} is left out: it runs in {', '.join(one.entry.scenario.engines)}, "
        f"not in {engine}"
        for one in planned
        if not one.runs_in(engine)
    )


def orders(planned: Sequence[Planned], engine: str, out: Path) -> list[Order]:
    """An order, with a folder of its own, for each scenario that the engine can run.

    Raises BadInput where it can run none of them.
    """
    chosen = [one for one in planned if one.runs_in(engine)]
    if not chosen:
        raise BadInput(f"nothing of this can run in the engine {engine}", "choose another --engine")
    return [
        Order(one.job, one.compose, runs.create(out, one.job.scenario, engine).resolve())
        for one in chosen
    ]
