"""A host's container: started, and waited for until its own health check passes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from echolab.engines.attached import Api
from echolab.engines.daemon import daemon_errors
from echolab.engines.program import output_of
from echolab.errors import CannotRun

READY_LIMIT = 60.0
"""Seconds in which every service must pass its own health check."""

RETRY = 0.02
"""Seconds between two health checks of a host that is still starting."""


class HostStart:
    """Starts the container of a host; `await_ready` waits until it is healthy.

    `file` is the name of its Compose file, for errors.
    """

    def __init__(self, api: Api, host: str, container: str, file: str) -> None:
        self._api = api
        self._host = host
        self._container = container
        self._file = file
        with daemon_errors(f"starting {host}"):
            api.start(container)

    def await_ready(self) -> None:
        """Wait until the host's own health check, if it has one, passes."""
        with daemon_errors(f"looking at {self._host}"):
            config = self._api.inspect_container(self._container)["Config"]
        argv = _argv((config.get("Healthcheck") or {}).get("Test") or [])
        deadline = time.monotonic() + READY_LIMIT
        while argv:
            self.still_up()
            status, said = output_of(self._api, self._container, argv)
            if status == 0:
                return
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"{self._host} did not become healthy: {said.strip()[:200]}",
                    f"its check is {argv}",
                )
            time.sleep(RETRY)
        self.still_up()

    def still_up(self) -> None:
        """Raise CannotRun, with its last words, where the host has ended."""
        with daemon_errors(f"looking at {self._host}"):
            state = self._api.inspect_container(self._container)["State"]
            if state["Running"]:
                return
            log = self._api.logs(self._container, tail=3).decode(errors="replace").strip()
        raise CannotRun(
            f"{self._host} ended at once with status {state['ExitCode']}: {log[-200:]}",
            f"mend its command, or give it 'x-echolab: idle' in {self._file}",
        )


def _argv(test: Sequence[str]) -> list[str]:
    """The argument vector of a health check as Docker keeps it; empty for none."""
    kind, *words = test or ["NONE"]
    if kind == "CMD":
        return words
    return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else []
