"""A host's container: started, and waited for until it is ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.docker.program import output_of
from echolab.engines.docker.watch import Watch
from echolab.engines.services import STARTING, TIME_TO_LISTEN, not_healthy
from echolab.errors import CannotRun
from echolab.topology import Health, Host

READY_LIMIT = 60.0
"""Seconds in which a service must pass the lab's own health check."""

RETRY = 0.02
"""Seconds between two checks of a host that is still starting."""

STEADY_LOOK = 0.2
"""Seconds between two checks of a host that the daemon tests at its own pace."""


class HostEnded(Exception):
    """The service of a host has ended; `status` is its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HostStart:
    """Starts the container of a host; `await_ready` waits until it is ready."""

    def __init__(self, api: Api, host: Host, container: str, watch: Watch) -> None:
        self._api = api
        self._host = host
        self._container = container
        self._watch = watch
        watch.began(host.name)
        with daemon_errors(f"starting {host.name}"):
            api.start(container)

    def await_serving(self, serves: Callable[[], bool] = lambda: True) -> None:
        """Wait until the host passes the lab's own check, or listens for clients.

        A host that listens to nobody gets `TIME_TO_LISTEN` seconds. So does one that shares
        another's network: the kernel does not tell whose listeners are there. Raises HostEnded if
        it ends.
        """
        argv = self._own_check()
        deadline = time.monotonic() + (READY_LIMIT if argv else TIME_TO_LISTEN)
        said = ""
        while True:
            self.still_up()
            try:
                if argv:
                    status, said = output_of(self._api, self._container, argv)
                    if status == 0:
                        return
                elif not self._host.shares and serves():
                    return
            except CannotRun:
                self.still_up()  # that the host has ended is the better reason
                raise
            if time.monotonic() > deadline:
                break
            time.sleep(RETRY)
        if argv:
            raise not_healthy(self._host.name, said.strip()[:200], tuple(argv))

    def await_health(self) -> str:
        """Wait until the daemon says whether the host is healthy; empty if it tests nothing.

        Raises HostEnded if the host ends first, CannotRun if the daemon takes too long.
        """
        if self._own_check() or not (status := self._watch.look(self._host.name)):
            return ""
        deadline = time.monotonic() + self._longest()
        while status == STARTING:
            self.still_up()
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"{self._host.name} is neither healthy nor unhealthy after "
                    f"{self._longest():g} s",
                    "see its healthcheck in the Compose file",
                )
            time.sleep(STEADY_LOOK)
            status = self._watch.look(self._host.name)
        return status

    def await_end(self, within: float) -> None:
        """Wait until the host has ended, but no longer than that many seconds.

        Raises HostEnded if it has.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            self.still_up()
            time.sleep(STEADY_LOOK)

    def still_up(self) -> None:
        """Raise HostEnded if the host has ended."""
        with daemon_errors(f"looking at {self._host.name}"):
            state = self._api.inspect_container(self._container)["State"]
        if not state["Running"] and not state.get("Restarting"):
            raise HostEnded(int(state["ExitCode"]))

    def _own_check(self) -> Sequence[str]:
        health = self._host.health
        return health.test if health is not None and health.own else ()

    def _longest(self) -> float:
        """Seconds within which the daemon must reach its verdict."""
        with daemon_errors(f"looking at {self._host.name}"):
            config = self._api.inspect_container(self._container)["Config"]["Healthcheck"]
        told = {
            name: config[key] / 1e9
            for name, key in (
                ("interval", "Interval"),
                ("timeout", "Timeout"),
                ("start_period", "StartPeriod"),
            )
            if config.get(key)
        }
        if config.get("Retries"):
            told["retries"] = config["Retries"]
        return Health(**told).longest
