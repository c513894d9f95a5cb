"""Which hosts of a lab run, are paused, or are dead: the same rules in every engine."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from echolab.errors import BadInput

State: TypeAlias = Literal["running", "paused", "dead"]

RUNNING: Final = "running"
PAUSED: Final = "paused"
DEAD: Final = "dead"

ENDED: Final = "ended with its service"
"""Why a host that nobody killed is dead."""


class Lives:
    """The state of each host; all run at first."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._why: dict[str, str] = {}

    def of(self, host: str) -> State:
        """The state of a host."""
        return self._states.get(host, RUNNING)

    def set(self, host: str, state: State) -> None:
        """Set the state of a host."""
        self._states[host] = state
        self._why.pop(host, None)

    def end(self, host: str, why: str) -> None:
        """Note that a host died by itself, and why."""
        self.set(host, DEAD)
        self._why[host] = why

    def dead(self, host: str) -> bool:
        """Whether a host is dead."""
        return self.of(host) == DEAD

    def check_alive(self, host: str) -> None:
        """Raise BadInput if a host is dead."""
        if self.dead(host):
            why = self._why.get(host, "was killed")
            raise BadInput(f"host {host} {why}", f"call lab.restart('{host}') first")

    def check_running(self, host: str) -> None:
        """Raise BadInput if a host is dead or paused."""
        self.check_alive(host)
        if self.of(host) == PAUSED:
            raise BadInput(f"host {host} is paused", f"call lab.resume('{host}') first")
