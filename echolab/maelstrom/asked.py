"""A user's request for a program written for Maelstrom, as the scenario `maelstrom` takes it."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from echolab.errors import BadInput, CannotRun
from echolab.link import DISTRIBUTIONS
from echolab.maelstrom import checks, hosts
from echolab.scenario.parameter import Parameter, read
from echolab.schedule import PlannedFault

FOLDER = "maelstrom"
"""The folder beside the runs that holds the Compose files."""

OTHERS = 0o005
"""The bits of a file's mode by which other users may read and execute it."""

SECONDS = Parameter("", unit="s", low=0)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A workload, a program with its words, and the scenario's other parameters as text."""

    workload: str
    program: Path
    words: tuple[str, ...]
    others: Mapping[str, str]

    def check(self) -> None:
        """Raises BadInput for an unknown workload or distribution, or for a missing program."""
        checks.checker(self.workload)
        distribution = self.others.get("distribution", hosts.CONSTANT)
        if distribution not in (hosts.CONSTANT, *DISTRIBUTIONS):
            known = ", ".join((hosts.CONSTANT, *DISTRIBUTIONS))
            raise BadInput(f"links have no distribution '{distribution}'", f"choose {known}")
        if self.others.get("available", "") not in ("", "total"):
            raise BadInput("the only availability is total", "write --availability total, or none")
        if not self.program.is_file():
            raise BadInput(f"there is no program {self.program}", "check the path")
        if not os.access(self.program, os.X_OK):
            raise BadInput(
                f"{self.program} cannot be executed",
                f"chmod +x {self.program}; a script begins with #! and its interpreter",
            )
        for path in (self.program, self.program.resolve().parent):
            if path.stat().st_mode & OTHERS != OTHERS:
                raise BadInput(
                    f"{path} is closed to other users, as which programs of hosts run",
                    f"chmod o+rx {path}",
                )

    def settings(self) -> tuple[str, ...]:
        """The parameters of the scenario `maelstrom`, as `--set` takes them."""
        given = {"workload": self.workload, "program": str(self.program)}
        if self.words:
            given["words"] = json.dumps(list(self.words))
        return tuple(f"{name}={value}" for name, value in {**given, **self.others}.items())


def compose_file(nodes: int, out: Path) -> Path:
    """The Compose file for that many nodes, below `out`; it is made if it is missing.

    Raises BadInput for too many nodes, CannotRun if it cannot be written.
    """
    path, text = out / FOLDER / f"nodes-{nodes}.yaml", hosts.compose(nodes)
    try:
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise CannotRun(f"cannot write {path}: {error.strerror}", "choose another --out") from None
    return path


def cuts(nodes: int, time_limit: str, interval: str, seed: int) -> Iterator[str]:
    """Partitions as texts of faults: a rest, a cut, a rest, …, each as long as the interval.

    Each cuts off up to half of the nodes. Raises BadInput for times that are not valid, and for
    fewer than two nodes.
    """
    if nodes < 2:
        raise BadInput("a single node cannot be cut off from others", "give more --nodes")
    limit, lasts = (
        _seconds(*given) for given in (("time-limit", time_limit), ("interval", interval))
    )
    if lasts <= 0:
        raise BadInput("cuts that last no time", "give a --partition-interval above 0")
    chance = random.Random(f"cuts {seed}")  # noqa: S311 (no secret)
    names, at = hosts.names(nodes), lasts
    while at < limit:
        some = sorted(chance.sample(names, chance.randint(1, nodes // 2)))
        yield str(PlannedFault("partition", tuple(some), at, min(lasts, limit - at)))
        at += 2 * lasts


def _seconds(name: str, text: str) -> float:
    return float(read("maelstrom", name, text, float, SECONDS))
