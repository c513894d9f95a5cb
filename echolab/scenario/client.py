"""What the function of a workload's operation receives: one client, on a host.

The function runs on the client's host, in a program of its own (`echo_app.workload`), where
`echo_app.client` provides this class. So it can use what it imports itself, and from its script
other functions, modules, and values that are numbers, texts, or lists and mappings of these.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Client(Protocol):
    """One client of a workload: a process of the history, which asks one thing at a time."""

    process: str
    """Its name in the history."""

    timeout: float
    """Seconds that it waits for the answer to an operation."""

    random: random.Random
    """A random number generator of its own, which the run's seed determines."""

    def do(
        self, function: str, call: Callable[[], Any], argument: Any = None, *, key: Any = None
    ) -> Any:
        """Do one operation, and note when it was asked for and answered, and with what.

        `call` asks, and returns the result. If it raises ConnectionRefusedError, or calls
        `refuse`, the operation has failed: it had no effect. If it raises another OSError, a
        time-out for example, its outcome is unknown. Returns the result, None without one.
        """

    def refuse(self, why: str = "") -> None:
        """Say, within `call`, that the operation has certainly had no effect. This ends it."""

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""

    def line(self, host: str, port: int, text: str) -> str:
        """Send a line over a TCP connection that stays open, and return the line in answer."""

    def datagram(
        self,
        host: str,
        port: int,
        message: Mapping[str, object],
        *,
        within: float | None = None,
    ) -> Any:
        """Send a JSON object as a datagram, and return the one that answers it.

        A member `request` is added, which the answer must repeat. It waits `within` seconds, or for
        the rest of the operation's time if that is less; then it raises TimeoutError.
        """

    def text(self, host: str, port: int, words: str, *, within: float | None = None) -> str:
        """Send `ID WORDS` as a datagram of text; return what stands behind the ID in the answer.

        The ID names the client and its operation, `2-17`: it is the same each time an operation
        asks. So where packets are doubled or late, an operation that asks for two different things
        may take an answer to the first for one to the second; `datagram` tells them apart. It waits
        `within` seconds if that is less than what is left of the operation's time; TimeoutError
        tells that.
        """

    def http(
        self, host: str, port: int, path: str, body: str | None = None, *, method: str = ""
    ) -> tuple[int, str]:
        """Send a request by HTTP/1.0 and return the status and the body of the answer.

        The method is GET without a body, and POST with one, unless given.
        """

    def redis(self, host: str, port: int, *words: object) -> Any:
        """Send a command in Redis' protocol and return its reply; an error refuses it."""
