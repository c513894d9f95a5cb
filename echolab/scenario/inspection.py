"""Hosts of a lab as testinfra sees them: its modules ask, programs on the host answer."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from echolab.engines.contract import Network
from echolab.errors import BadInput

LONGEST = 60.0
"""Lab seconds that a command of testinfra's may take."""

TIMED_OUT = 124
"""The exit status of timeout(1) for a command that took too long."""

_places: list[str] = []


def found_in(folder: str) -> None:
    """Look for testinfra in a folder, too: in the guest, which knows only its own files."""
    if folder:
        _places.append(folder)


def host(network: Network, name: str) -> Any:
    """The host of that name as a `testinfra.host.Host`.

    Raises BadInput if testinfra is not installed.
    """
    known = list(sys.path)
    sys.path += _places
    try:
        base: Any = importlib.import_module("testinfra.backend.base").BaseBackend
        seen = importlib.import_module("testinfra.host")
    except ImportError:
        raise BadInput(
            f"lab.host('{name}') takes testinfra, which is not installed",
            "pip install pytest-testinfra",
        ) from None
    finally:
        sys.path[:] = known

    class Backend(base):  # type: ignore[misc]  # testinfra tells no types
        """Runs what testinfra asks for as programs of the lab, in lab time."""

        NAME = "echolab"

        def run(self, command: str, *args: str, **_: Any) -> Any:
            words = ["sh", "-c", self.get_command(command, *args)]
            done = network.start(name, words).wait(LONGEST)
            status = TIMED_OUT if done.status is None else done.status
            return self.result(
                128 - status if status < 0 else status,
                self.encode(words[-1]),
                done.stdout.encode(),
                done.stderr.encode(),
            )

    return seen.Host(Backend(name))
