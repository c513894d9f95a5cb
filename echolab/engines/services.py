"""How services start, are tested and are started again: the same rules in every engine.

The rules are those of the Docker daemon and of Compose; an engine adds its own clock. Every wait
has a limit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from echolab.errors import BadInput, CannotRun
from echolab.topology import Health, Host, Need

TIME_TO_LISTEN: Final = 2.0
"""Seconds until a service must listen for clients; then the services that need it start."""

LONGEST_RUN: Final = 300.0
"""Seconds in which a service must end if another one waits for it to complete."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60.0
"""Seconds until a service is started again, at first and at most (moby,
restartmanager/restartmanager.go)."""

STEADY: Final = 10.0
"""Seconds that a service must have run for its pauses to start over (same file)."""

LONGEST_WORDS: Final = 400
"""The most characters that are kept of what a service or a check said."""

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"


def last_words(*texts: str) -> str:
    """The last three lines of the first text that has any, joined into one."""
    for text in texts:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return " / ".join(lines[-3:])[-LONGEST_WORDS:]
    return ""


class HealthState:
    """Whether a service is healthy, according to its checks (moby, daemon/health.go)."""

    def __init__(self, health: Health, began: float) -> None:
        self.status = STARTING
        self.failed = 0
        """How many checks failed in a row, as far as they count."""
        self._health = health
        self._began = began

    def pause(self, at: float) -> float:
        """Seconds from `at`, the end of a check or the start of the service, to the next check."""
        if self.status == STARTING and at - self._began < self._health.start_period:
            return self._health.start_interval
        return self._health.interval

    def take(self, at: float, passed: bool) -> bool:
        """Take in what a check said; return whether the status has changed."""
        before = self.status
        if passed:
            self.status, self.failed = HEALTHY, 0
        elif before != STARTING or at - self._began >= self._health.start_period:
            self.failed += 1
            if self.failed >= self._health.retries:
                self.status = UNHEALTHY
        return self.status != before


class Restarts:
    """When a service that ended by itself is started again, by its policy."""

    def __init__(self, policy: str) -> None:
        self._kind, _, most = policy.partition(":")
        self._most = int(most or 0)
        self._pause = 0.0
        self.count = 0

    def after(self, status: int | None, ran: float) -> float | None:
        """Seconds until a service that ran for `ran` seconds is started again; None if never."""
        if self._kind == "no" or (self._kind == "on-failure" and self._spent(status)):
            return None
        if ran >= STEADY or not self._pause:
            self._pause = FIRST_PAUSE
        else:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.count += 1
        return self._pause

    def _spent(self, status: int | None) -> bool:
        return status == 0 or 0 < self._most <= self.count


@dataclasses.dataclass(frozen=True)
class ServiceState:
    """The state of a host's service.

    It `answers` if it listens for clients, has ended, or has used up its time for that. `health` is
    empty if it is not tested. If it has ended for good, `status` is its exit status; `said` holds
    its last words, or its check's. `age` is the number of seconds since its start.
    """

    started: bool = False
    answers: bool = False
    health: str = ""
    status: int | None = None
    said: str = ""
    age: float = 0.0

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.status is not None


@dataclasses.dataclass(frozen=True)
class Wait:
    """Whether a host must still wait, and the hosts that it goes on without, with the reasons."""

    blocked: bool
    without: tuple[tuple[str, str], ...] = ()


def waiting(host: Host, file: str, state: Callable[[str], ServiceState]) -> Wait:
    """What a host waits for that has not started. Raises CannotRun if it would wait for ever.

    `file` names its Compose file. Do not ask about an idle host.
    """
    blocked, without = False, []
    for need in host.needs:
        met, why = _met(need, state(need.host))
        if why and need.required:
            raise CannotRun(
                f"{host.name} waits for {need.host} ({need.condition}): {why}",
                f"fix {need.host}, or what {host.name} has of it in depends_on of {file}",
            )
        if why:
            without.append((need.host, why))
        blocked = blocked or not (met or why)
    return Wait(blocked, () if blocked else tuple(without))


def _met(need: Need, of: ServiceState) -> tuple[bool, str]:
    """Whether a condition is met, and why it never will be."""
    words = f": {of.said}" if of.said else ""
    if need.condition == "service_healthy":
        if of.health == HEALTHY and not of.over:
            return True, ""
        if of.over:
            return False, f"it ended with status {of.status}{words}"
        return False, f"it is unhealthy{words}" if of.health == UNHEALTHY else ""
    if need.condition == "service_completed_successfully":
        if of.over:
            return of.status == 0, f"it ended with status {of.status}{words}" * bool(of.status)
        late = of.started and of.age >= LONGEST_RUN
        return False, f"it has not ended within {LONGEST_RUN:g} s{words}" if late else ""
    return of.started and of.answers, ""


def check_tested(host: Host, need: Need, *, tested: bool) -> None:
    """Raise BadInput if a host waits for the health of a host that has no health check."""
    if need.condition == "service_healthy" and need.required and not tested:
        raise BadInput(
            f"{host.name} waits until {need.host} is healthy, but {need.host} has no health check",
            f"give {need.host} a 'healthcheck', or write 'condition: service_started'",
        )


def not_healthy(host: str, said: str, test: tuple[str, ...]) -> CannotRun:
    """The error for a host that was up and is not healthy."""
    words = f": {said}" if said else ""
    return CannotRun(f"{host} did not become healthy{words}", f"its check is {list(test)}")
