"""What a scenario asks of clients that work side by side while faults happen to the hosts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from echolab.engines.contract import Network
from echolab.errors import BadInput
from echolab.history import models, words
from echolab.history.values import Workload
from echolab.link import Link
from echolab.record import Claim, Json
from echolab.scenario import workload
from echolab.scenario.claims import Claims, Unless
from echolab.scenario.disturbance import Disturbance, Hosts
from echolab.scenario.programs import Programs, RunningProgram
from echolab.schedule import Faults, PlannedFault, Schedule, ordered
from echolab.topology import Topology

NO_ARGUMENTS: Mapping[str, Json] = {}

SLACK = 10.0
"""Lab seconds that clients may take beyond their time-outs and waits."""


def planned(
    faults: Faults | None, given: Schedule | None, seed: int, topology: Topology
) -> Schedule:
    """The schedule of a run: the given one, or what its seed draws from the possible faults.

    Raises BadInput for a fault of a host that the topology lacks.
    """
    if given is None and faults is not None:
        import random  # slow to import in the guest, and few scenarios draw

        chance = random.Random(f"faults {seed}")  # noqa: S311 (no secret)
        given = faults.draw(chance, faults.befallen(topology.names()))
    schedule = ordered(given or ())
    for host in (host for fault in schedule for host in fault.hosts):
        topology.host(host)
    return schedule


class Workloads(Claims, Programs, Hosts):
    """The workloads of one run, in their order, and the faults that are planned for it."""

    _network: Network
    seed: int

    def _begin_workloads(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.histories: list[Workload] = []
        self._served: dict[str, list[Callable[[], object]]] = {}
        self._services: set[str] = set()
        self._own_links: dict[str, tuple[Link, ...]] = {}
        self._disturbed: set[str] = set()

    def serve(self, host: str, program: str, *words: object) -> RunningProgram:
        """Start a Python program beside the script, as `python` does, as a service of the host.

        It is started again whenever the host is restarted. If it ends by itself, not with its host,
        a claim of the run does not hold.
        """
        self._services.add(program)
        start = functools.partial(self.python, host, program, *words)
        self.at_restart(host, start)
        return start()

    def at_restart(self, host: str, start: Callable[[], object]) -> None:
        """Have `start` called whenever the host has been restarted."""
        self._served.setdefault(host, []).append(start)

    def stop_all(self) -> None:
        """End the programs that are still running; a service must not have failed before."""
        super().stop_all()
        for run in self.finished:
            if len(run.argv) > 1 and run.argv[1] in self._services and (run.status or 0) > 0:
                said = (run.stderr or run.stdout).strip().splitlines()[-1:]
                self.expect(f"{run.argv[1]} on {run.host} runs on", False, seen="".join(said))

    def _serve_again(self, host: str) -> None:
        for start in self._served.get(host, ()):
            start()

    def workload(
        self,
        operation: Callable[..., None],
        *,
        hosts: str | Sequence[str],
        clients: int = 3,
        operations: int = 10,
        interval: float = 0.1,
        timeout: float = 1.0,
        name: str = "",
        faults: bool | Sequence[PlannedFault] = True,
        arguments: Mapping[str, Json] = NO_ARGUMENTS,
        paced: bool = False,
        apart: Sequence[str] = (),
    ) -> Workload:
        """Have clients work side by side, and return what they asked and learned.

        The `clients` are spread over `hosts`. Each calls `operation` `operations` times, and waits
        a random time between two calls, `interval` seconds on average; if they are `paced`, that is
        the time between the beginnings of two. `operation` is a function of the script that
        receives a `Client` (which says what the function may use) and `arguments` by name. An
        operation without an answer after `timeout` seconds has an unknown outcome.

        Meanwhile the faults of the schedule happen to the hosts, or those given, or none with
        `faults=False`; at the end everything is repaired. A partition cuts its hosts off from all
        others, or only from the others of `apart`. The record has the history under `name`; a
        workload of the same name continues it. Raises BadInput for an operation that cannot be sent
        to the hosts, CannotRun if one fails.
        """
        named = (hosts,) if isinstance(hosts, str) else tuple(hosts)
        for host in named:
            self._topology.host(host)
        name = name or f"workload {len(self.histories) + 1}"
        before = next((one for one in self.histories if one.name == name), Workload(name))
        seed = f"{self.seed} {name} {len(before.operations)}"
        order = workload.Order(
            operation, named, clients, operations, interval, timeout, seed, arguments, paced
        )
        disturbed = self.schedule if faults is True else ordered(faults or ())
        for host in named:
            self._kernel_counts.begin(host)
        running = workload.start(self._network, order)
        self._running += running
        self._disturb(disturbed, apart)
        limit = operations * (timeout + 2 * interval) + SLACK
        ended = [self._ended(program, program.wait(limit)) for program in running]
        for _ in running:
            self.finished.pop()  # what they printed is the history
        operations_now = workload.history(self._network, ended)
        found = Workload(name, (*before.operations, *operations_now))
        if before in self.histories:
            self.histories.remove(before)
        self.histories.append(found)
        return found

    def _disturb(self, schedule: Schedule, apart: Sequence[str]) -> None:
        """Perform a schedule to its end."""
        disturbance = Disturbance(self, schedule, self._is_dead, self._disturb_links, apart)
        try:
            while (moment := disturbance.next()) is not None:
                self._network.sleep(max(0.0, moment - self.now()))
                disturbance.act()
        finally:
            disturbance.end()

    def _is_dead(self, host: str) -> bool:
        raise NotImplementedError

    def _disturb_links(self, host: str, change: Callable[[Link], Link] | None) -> None:
        raise NotImplementedError

    def expect_history(
        self,
        text: str,
        history: Workload,
        word: str = "linearizable",
        *,
        model: str,
        after: float = 0.0,
        why: str = "",
        unless: Unless = False,
    ) -> None:
        """State that what clients asked and learned is as a word says, by a model.

        The words: "linearizable", "sequential"; "read your writes", "monotonic reads", "monotonic
        writes", "writes follow reads"; "agreement", "nothing lost", "at most once", "exactly once".
        The models: "cas-register", "kv", "counter", "set", "queue", "stack", "lock", "log".
        Agreement and loss are judged by reads from `after` seconds after the last fault on. Raises
        BadInput for another word or model.
        """
        models.find(model)
        if word not in words.WORDS:
            raise BadInput(f"no history is '{word}'", f"say {', '.join(words.WORDS)}")
        claim = Claim(
            "history",
            text,
            seen=len(history.operations),
            reason=why,
            history=history.name,
            word=word,
            model=model,
            after=after,
        )
        self._claim(claim, unless)
