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
class Request:
    """What the options of `run` ask for, for every scenario alike."""

    engine: str
    seed: int
    given: Mapping[str, str]
    out: Path
    compose: Path | None
    capture: bool


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """The pairs of `--set KEY=VALUE`. Raises BadInput for a text without an equals sign."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInput(f"--set {text} is no KEY=VALUE", "for example --set loss=0.3")
        pairs[key] = value
    return pairs


def check(entries: Sequence[Entry], given: Mapping[str, str]) -> None:
    """Refuse a parameter that no scenario has, or a text that is no value of its type."""
    known = {name for entry in entries for name in entry.scenario.parameters}
    for entry in entries:
        own = {name: text for name, text in given.items() if name in entry.scenario.parameters}
        unknown = {name: text for name, text in given.items() if name not in known}
        entry.scenario.with_parameters({**own, **unknown})


def left_out(entries: Sequence[Entry], engine: str) -> tuple[str, ...]:
    """A line for each scenario that this engine cannot run."""
    return tuple(
        f"{entry.scenario.name} is left out: it runs in {', '.join(entry.scenario.engines)}, "
        f"not in {engine}"
        for entry in entries
        if not _runs_in(entry, engine)
    )


def orders(entries: Sequence[Entry], request: Request) -> list[Order]:
    """An order for each scenario that the engine can run; folders are made last.

    A parameter that one of several scenarios lacks is left out there. Raises BadInput
    before any folder is made.
    """
    chosen = [entry for entry in entries if _runs_in(entry, request.engine)]
    if not chosen:
        raise BadInput(
            f"nothing of this can run in the engine {request.engine}", "choose another --engine"
        )
    jobs = [(_compose(entry, request), _job(entry, request)) for entry in chosen]
    made = []
    for file, job in jobs:
        folder = runs.create(request.out, job.scenario, request.engine)
        made.append(Order(job, file.resolve(), folder.resolve()))
    return made


def _runs_in(entry: Entry, engine: str) -> bool:
    return not entry.scenario.engines or engine in entry.scenario.engines


def _compose(entry: Entry, request: Request) -> Path:
    return catalogue.compose_file(entry, request.compose)


def _job(entry: Entry, request: Request) -> Job:
    own = {name: text for name, text in request.given.items() if name in entry.scenario.parameters}
    return catalogue.job(
        entry,
        catalogue.topology(_compose(entry, request)),
        own,
        request.seed,
        capture=request.capture,
    )
