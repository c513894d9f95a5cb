"""The services of a lab of namespaces: started in order, tested, and started again.

Strategy: everything happens in the engine's one loop, in lab time. The start of the lab checks the
services again and again, since the kernel tells nobody when a program begins to listen; checks and
restarts are timers, which come due whatever the scenario waits for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from echolab.engines import programs
from echolab.engines.contract import ProgramRun
from echolab.engines.namespaces.loop import EventLoop, Timer, now
from echolab.engines.namespaces.program import NamespaceProgram
from echolab.engines.services import (
    HEALTHY,
    STARTING,
    TIME_TO_LISTEN,
    UNHEALTHY,
    HealthState,
    Restarts,
    ServiceState,
    check_tested,
    last_words,
    not_healthy,
    waiting,
)
from echolab.errors import EcholabError
from echolab.record.values import Life
from echolab.topology import Host, Topology

LONGEST_START = 5.0
"""Lab seconds within which a service must listen."""

FIRST_LOOK, LAST_LOOK = 0.001, 0.1
"""Lab seconds between two checks for listeners: twice as long each time."""

SETTLING = 0.01
"""Lab seconds for what services do after they listen, such as starting their threads."""

Start = Callable[[Host, Sequence[str]], NamespaceProgram]


@dataclasses.dataclass
class _Service:
    """The service of one host in one of its lives."""

    host: Host
    restarts: Restarts
    program: NamespaceProgram | None = None
    ended: ProgramRun | None = None
    began: float = 0.0
    first: float | None = None
    again: Timer | None = None
    health: HealthState | None = None
    next_check: Timer | None = None
    check: NamespaceProgram | None = None
    limit: Timer | None = None
    words: str = ""

    def disarm(self) -> None:
        """Cancel everything that would come due for it."""
        for timer in (self.again, self.next_check, self.limit):
            if timer is not None:
                timer.cancel()


class Services:
    """The services of one topology; `lives` is what happened to them by themselves.

    `start` starts a program on a host; `listens` says whether a host listens for clients.
    """

    def __init__(
        self, topology: Topology, loop: EventLoop, start: Start, listens: Callable[[str], bool]
    ) -> None:
        self.lives: list[Life] = []
        self._topology = topology
        self._loop = loop
        self._start = start
        self._listens = listens
        self._epoch = 0.0
        self._services: dict[str, _Service] = {}
        self._checks: dict[NamespaceProgram, _Service] = {}
        self._paused: set[str] = set()

    def opened(self, epoch: float) -> None:
        """Lab second 0 is at this moment of the kernel's clock."""
        shift = epoch - self._epoch
        self._epoch = epoch
        self.lives = [dataclasses.replace(one, at=one.at - shift) for one in self.lives]

    # --- up

    def bring_up(self, hosts: Sequence[Host], *, ordered: bool = True) -> None:
        """Start the services of hosts, each when the conditions that it waits for are met.

        Returns when each listens for clients, is healthy, has ended, or has used up its time.
        Raises CannotRun if one ends at once, does not become healthy, or can never start.
        """
        new = [
            _Service(one, Restarts(one.restart)) for one in hosts if one.command and not one.idle
        ]
        for service in new:
            self._services[service.host.name] = service
            self._check_needs(service.host)
        look = FIRST_LOOK
        while True:
            if self._start_some(new, ordered=ordered):
                look = FIRST_LOOK
            if all(map(self._settled, new)):
                break
            self._loop.run(now() + look)
            look = min(2 * look, LAST_LOOK)
        if new:
            self._loop.run(now() + SETTLING)
        for service in new:
            self._judge(service)

    def _check_needs(self, host: Host) -> None:
        for need in host.needs:
            other = self._topology.host(need.host)
            check_tested(host, need, tested=other.idle or other.health is not None)

    def _start_some(self, new: Sequence[_Service], *, ordered: bool) -> bool:
        """Start those that may start; return whether one of them had had to wait."""
        waited = False
        for service in new:
            if service.first is not None:
                continue
            if ordered and service.host.needs:
                found = waiting(service.host, self._topology.file, self._state)
                if found.blocked:
                    continue
                for other, why in found.without:
                    self._tell(service.host.name, "went on without", said=f"{other}: {why}")
                waited = True
            self._begin(service)
        return waited

    def _begin(self, service: _Service) -> None:
        service.began = now()
        service.first = service.began if service.first is None else service.first
        service.ended = service.again = None
        service.program = self._start(service.host, service.host.command)
        health = service.host.health
        if health is not None and health.test and not health.own:
            service.health = HealthState(health, service.began)
            self._plan_check(service)

    def _state(self, name: str) -> ServiceState:
        """The state of a host's service, for those that wait for it."""
        host, service = self._topology.host(name), self._services.get(name)
        if service is None:  # it starts nothing by itself
            return ServiceState(started=True, answers=True, health=HEALTHY, status=None)
        if service.first is None:
            return ServiceState()
        over = service.ended is not None and service.again is None
        answers = over or now() - service.first >= TIME_TO_LISTEN or self._answers(service)
        ended = service.ended
        health = service.health.status if service.health else ""
        if host.health is not None and service.health is None:  # untested: healthy once it listens
            late = UNHEALTHY if now() - service.first >= LONGEST_START else STARTING
            health = HEALTHY if self._answers(service) else late
        return ServiceState(
            started=True,
            answers=answers,
            health=health,
            status=ended.status if over and ended else None,
            said=last_words(ended.stderr, ended.stdout) if ended else service.words,
            age=now() - service.first,
        )

    def _answers(self, service: _Service) -> bool:
        """Whether a service listens; one on a shared network, whose listeners are told to nobody,
        has used up its time for that."""
        if service.ended is not None:
            return False
        if service.host.shares:
            return now() - (service.first or 0.0) >= TIME_TO_LISTEN
        return self._listens(service.host.name)

    def _settled(self, service: _Service) -> bool:
        """Whether there is nothing more to wait for when the lab comes up."""
        if service.first is None:
            return False
        if service.ended is not None and service.again is None:
            return True
        age = now() - service.first
        if service.health is not None and service.host.health is not None:
            longest = max(LONGEST_START, service.host.health.longest)
            return service.health.status != STARTING or age >= longest
        return age >= LONGEST_START or self._answers(service)

    def _judge(self, service: _Service) -> None:
        """Raise CannotRun if a service is not in the state it must have when the lab is up."""
        ended, host = service.ended, service.host
        if ended is not None and service.again is None:
            if ended.status != 0 and not self._may_fail(host.name):
                said = ended.stderr.strip() or ended.stdout.strip()
                raise programs.ended_at_once(host.name, ended.status, said, self._topology.file)
            return
        unwell = service.health is not None and service.health.status != HEALTHY
        if unwell and not self._may_fail(host.name):
            raise not_healthy(host.name, service.words, host.health.test if host.health else ())

    def _may_fail(self, name: str) -> bool:
        """Whether others go on without a host that fails."""
        return any(
            need.host == name and not need.required
            for host in self._topology.hosts
            for need in host.needs
        )

    # --- ends

    def is_service(self, program: NamespaceProgram) -> bool:
        """Whether a program is the service of its host."""
        service = self._services.get(program.host)
        return service is not None and service.program is program

    def ended(self, program: NamespaceProgram, finished: ProgramRun) -> None:
        """Take note that a program ended, which may be a service or a check."""
        check = self._checks.pop(program, None)
        if check is not None:
            self._checked(check, finished)
            return
        service = self._services.get(program.host)
        if service is None or service.program is not program:
            return
        service.ended = finished
        self._stop_checks(service)
        words = last_words(finished.stderr, finished.stdout)
        self._tell(program.host, "ended", finished.status, words)
        pause = service.restarts.after(finished.status, now() - service.began)
        if pause is not None:
            service.again = self._loop.at(now() + pause, lambda: self._again(service))
        elif service.restarts.count and finished.status != 0:
            self._tell(program.host, "given up", finished.status)

    def _again(self, service: _Service) -> None:
        if service.host.name in self._paused:
            service.again = self._loop.at(now() + LAST_LOOK, lambda: self._again(service))
            return
        try:
            self._begin(service)
        except EcholabError as error:
            service.again = None
            self._tell(service.host.name, "given up", said=str(error))
        else:
            self._tell(service.host.name, "started again")

    # --- checks

    def _plan_check(self, service: _Service) -> None:
        assert service.health is not None
        moment = now() + service.health.pause(now())
        service.next_check = self._loop.at(moment, lambda: self._check(service))

    def _check(self, service: _Service) -> None:
        """Start a check; none while the host is paused, as the daemon makes none then."""
        health = service.host.health
        assert health is not None
        if service.host.name in self._paused:
            return
        try:
            program = self._start(service.host, health.test)
        except EcholabError as error:
            self._take(service, passed=False, status=None, said=error.message)
            return
        self._checks[program] = service
        service.check = program
        service.limit = self._loop.at(now() + health.timeout, lambda: self._too_long(program))

    def _too_long(self, program: NamespaceProgram) -> None:
        if program in self._checks:
            program.kill()

    def _checked(self, service: _Service, finished: ProgramRun) -> None:
        """Take note of how a check ended."""
        health, limit = service.host.health, service.limit
        service.check = service.limit = None
        assert health is not None
        if limit is not None:
            limit.cancel()
        late = finished.ended - finished.started >= health.timeout
        said = f"it took longer than {health.timeout:g} s" if late else ""
        said = said or last_words(finished.stderr, finished.stdout)
        self._take(
            service, passed=finished.status == 0 and not late, status=finished.status, said=said
        )

    def _take(self, service: _Service, *, passed: bool, status: int | None, said: str) -> None:
        assert service.health is not None
        before = service.words
        service.words = "" if passed else said or f"status {status}"
        if service.health.take(now(), passed):
            kind = HEALTHY if service.health.status == HEALTHY else UNHEALTHY
            self._tell(service.host.name, kind, status, said)
        elif not passed and not before:
            self._tell(service.host.name, "check failed", status, said)
        self._plan_check(service)

    def _stop_checks(self, service: _Service) -> None:
        """Make no more checks, and forget the one under way."""
        for timer in (service.next_check, service.limit):
            if timer is not None:
                timer.cancel()
        check, service.check = service.check, None
        if check is not None:
            self._checks.pop(check, None)
            check.kill()

    # --- lives of hosts

    def pause(self, host: str) -> None:
        """A host's programs are about to be stopped: no check is made until they go on."""
        self._paused.add(host)
        service = self._services.get(host)
        if service is not None:
            self._stop_checks(service)

    def resume(self, host: str) -> None:
        """A host's programs go on."""
        if host not in self._paused:
            return
        self._paused.discard(host)
        service = self._services.get(host)
        if service is not None and service.health is not None and service.ended is None:
            self._plan_check(service)

    def kill(self, host: str) -> None:
        """A host loses its power: whatever ends now is not started again."""
        self._paused.discard(host)
        service = self._services.pop(host, None)
        if service is not None:
            service.disarm()
            self._stop_checks(service)

    def close(self) -> None:
        """Start and check nothing any more."""
        for host in tuple(self._services):
            self.kill(host)

    def _tell(self, host: str, kind: str, status: int | None = None, said: str = "") -> None:
        self.lives.append(Life(now() - self._epoch, host, kind, status, said))
