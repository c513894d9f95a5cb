"""Clients at work: started on their hosts, and the history that they leave."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from echolab.engines.contract import Network, Program, ProgramRun
from echolab.errors import BadInput, CannotRun
from echolab.history.read import operation as read_operation
from echolab.history.values import Operation
from echolab.record import Json
from echolab.scenario.shipping import shipped

MODULE = "echo_app.workload"

MOST_CLIENTS = 64

NANO = 1e-9


@dataclasses.dataclass(frozen=True)
class Order:
    """What clients must do: the figures of one workload.

    Each of `clients` clients does `operations` operations and waits a random time between two,
    `interval` seconds on average; an operation takes at most `timeout` seconds. `arguments` are
    passed to it besides the client. If operations are `paced`, the interval is the time between the
    beginnings of two.
    """

    operation: Callable[..., None]
    hosts: tuple[str, ...]
    clients: int
    operations: int
    interval: float
    timeout: float
    seed: str
    arguments: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    paced: bool = False

    def __post_init__(self) -> None:
        if not self.hosts or not 1 <= self.clients <= MOST_CLIENTS or self.operations < 1:
            raise BadInput(
                f"a workload of {self.clients} clients with {self.operations} operations each on "
                f"{len(self.hosts)} hosts",
                f"give at least one of each, and at most {MOST_CLIENTS} clients",
            )
        if self.interval < 0 or self.timeout <= 0:
            raise BadInput(
                f"a workload with an interval of {self.interval:g} s and a time-out of "
                f"{self.timeout:g} s",
                "give an interval of 0 or more, and a time-out above 0",
            )

    def by_host(self) -> Mapping[str, bytes]:
        """What the program of each host receives: its share of the clients."""
        common = {
            **shipped(self.operation),
            "seed": self.seed,
            "timeout": self.timeout,
            "interval": self.interval,
            "operations": self.operations,
            "arguments": dict(self.arguments),
            "paced": self.paced,
        }
        shares: dict[str, list[str]] = {}
        for number in range(self.clients):
            shares.setdefault(self.hosts[number % len(self.hosts)], []).append(f"{number + 1}")
        return {
            host: json.dumps({**common, "processes": names}).encode()
            for host, names in shares.items()
        }


def start(network: Network, order: Order) -> list[Program]:
    """Start the clients of a workload on their hosts."""
    words = ("python3", "-m", MODULE)
    return [network.start(host, words, input=text) for host, text in order.by_host().items()]


def history(network: Network, ended: Sequence[ProgramRun]) -> tuple[Operation, ...]:
    """The operations that clients noted, in the order in which they were asked for.

    Raises CannotRun if a client's program failed.
    """
    operations: list[Operation] = []
    epoch = time.monotonic() - network.now()
    shift: float | None = None
    for run in ended:
        if run.status not in (0, None):
            raise _failed(run)
        shift = _shift(run, epoch) if shift is None else shift
        operations += _operations(run, shift)
    return tuple(sorted(operations, key=lambda one: (one.invoked, one.process)))


def _operations(run: ProgramRun, shift: float) -> Iterator[Operation]:
    asked: dict[tuple[str, int], dict[str, Any]] = {}
    answered: dict[tuple[str, int], dict[str, Any]] = {}
    for line in run.stdout.splitlines():
        try:
            facts = json.loads(line)
            place = facts["process"], facts["number"]
        except (ValueError, KeyError, TypeError):
            continue  # what the operation itself printed
        (asked if "invoked" in facts else answered)[place] = facts
    for place, facts in asked.items():
        answer = answered.get(place, {"outcome": "unknown"})
        outcome = answer["outcome"]
        told: dict[str, Any] = {
            **{name: facts[name] for name in ("process", "function", "argument", "key")},
            "result": answer.get("result") if outcome == "ok" else None,
            "outcome": outcome,
            "invoked": round(facts["invoked"] * NANO - shift, 9),
        }
        if outcome != "unknown":
            told["completed"] = round(answer["completed"] * NANO - shift, 9)
        yield read_operation(told, f"a client on {run.host}")


def _shift(run: ProgramRun, epoch: float) -> float:
    """The clock of the clients' hosts at lab second 0.

    It is this process's clock, unless the hosts have another kernel: then it makes the clients
    begin with their program.
    """
    for line in run.stdout.splitlines():
        try:
            begun = json.loads(line)["begun"] * NANO
        except (ValueError, KeyError, TypeError):
            continue
        here = run.started <= begun - epoch <= run.ended
        return epoch if here else begun - run.started
    return epoch


def _failed(run: ProgramRun) -> CannotRun:
    lines = [line.strip() for line in run.stderr.strip().splitlines()]
    places = [line for line in lines if line.startswith("File ")]
    where = places[-1].removeprefix("File ") if places else f"a client on {run.host}"
    said = lines[-1] if lines else f"it ended with status {run.status}"
    return CannotRun(f"an operation failed in {where}: {said}", "fix the script's operation")
