"""What happens to the hosts' containers by themselves, as the daemon reports it.

Strategy: a thread reads the daemon's events and notes what they mean, but does not act on them.
Whoever performs the scenario asks what is `due`, so that a host is never started again in the
middle of another operation on it.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import DockerException
from requests import RequestException

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import connect, daemon_errors
from echolab.engines.services import STARTING, Restarts, last_words
from echolab.record.values import Life
from echolab.topology import Topology

WORDS = 3
"""Lines of a container's log that are its last words."""


class Watch:
    """The hosts of one topology: `lives` is what happened to them, in seconds since 1970.

    `changed` is notified when something is due. `containers` has the identities of the hosts'
    containers.
    """

    def __init__(
        self,
        api: Api,
        changed: threading.Condition,
        topology: Topology,
        containers: Mapping[str, str],
    ) -> None:
        self.lives: list[Life] = []
        self.restarts = {host.name: Restarts(host.restart) for host in topology.hosts}
        self.status: dict[str, str] = {}
        """What the daemon last said about the health of each host that it tests."""
        self.words: dict[str, str] = {}
        """What the last check of a host said, if it failed."""
        self._api = api
        self._changed = changed
        self._containers = containers
        self._hosts = {identity: name for name, identity in containers.items()}
        self._seen: dict[str, str] = {}
        self._began: dict[str, float] = {}
        self._expected: set[str] = set()
        self._ended: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._stream: Any = None
        self._listener: Api | None = None
        self._lock = threading.RLock()

    # --- what is noted

    def began(self, host: str) -> None:
        """A host's container is about to be started."""
        self._expected.discard(host)
        self._began[host] = time.time()
        self.status.pop(host, None)
        self._due.pop(host, None)

    def expect_end(self, host: str) -> None:
        """Ignore the end of a host's container, which is about to be killed."""
        self._expected.add(host)
        self._due.pop(host, None)

    def tell(
        self, host: str, kind: str, status: int | None = None, said: str = "", at: float = 0.0
    ) -> None:
        """Note what happened to a host's service."""
        with self._changed:
            lost = kind == "ended"  # a container's network ends with it
            self.lives.append(Life(at or time.time(), host, kind, status, said, lost))

    def end(self, host: str, status: int) -> float | None:
        """Note that a service ended; return the seconds until it is started again, or None."""
        ran = time.time() - self._began.get(host, time.time())
        self.tell(host, "ended", status, self.last_words(host))
        pause = self.restarts[host].after(status, ran)
        if pause is None and self.restarts[host].count and status != 0:
            self.tell(host, "given up", status)
        return pause

    def last_words(self, host: str) -> str:
        """The last lines that a host's container wrote."""
        with contextlib.suppress(DockerException, RequestException):
            log = self._api.logs(self._containers[host], tail=WORDS)
            return last_words(log.decode(errors="replace"))
        return ""

    def later(self, host: str, seconds: float) -> None:
        """Have a host started again in that many seconds."""
        with self._changed:
            self._due[host] = time.monotonic() + seconds
            self._changed.notify_all()

    # --- health

    def look(self, host: str) -> str:
        """The daemon's word on a host's health, empty if it tests none; notes its changes."""
        with self._lock, daemon_errors(f"looking at {host}"):
            told = self._api.inspect_container(self._containers[host])["State"].get("Health")
            if not told or told["Status"] in ("", "none"):
                return ""
            before = self.status.get(host, STARTING)
            for entry in self._new(host, told.get("Log") or ()):
                failed = self.words.get(host)
                said = last_words(entry["Output"]) or f"status {entry['ExitCode']}"
                self.words[host] = "" if entry["ExitCode"] == 0 else said
                if entry["ExitCode"] != 0 and not failed:
                    self.tell(host, "check failed", entry["ExitCode"], said, _seconds(entry["End"]))
            if told["Status"] != before:
                said = self.words.get(host, "")
                self.tell(host, told["Status"], None, said)
            self.status[host] = told["Status"]
            return str(told["Status"])

    def _new(self, host: str, log: Any) -> Iterator[Mapping[str, Any]]:
        """The entries of a health log that have not been seen yet."""
        for entry in log:
            if entry["Start"] > self._seen.get(host, ""):
                self._seen[host] = entry["Start"]
                yield entry

    # --- what is due

    def listen(self, label: str) -> None:
        """Read the daemon's events about containers with a label, until this is closed."""
        with daemon_errors("listening to the daemon"):
            self._listener = connect()
            self._stream = self._listener.events(
                decode=True, filters={"type": "container", "label": label}
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(Exception):  # another thread closes the stream
            for event in self._stream:
                self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        host, action = self._hosts.get(event.get("id", "")), str(event.get("Action", ""))
        if host is None:
            return
        if action == "die" and host not in self._expected:
            status = int(event["Actor"]["Attributes"].get("exitCode", -1))
            pause = self.end(host, status)
            with self._changed:
                self._ended[host] = status
                if pause is not None:
                    self._due[host] = time.monotonic() + pause
                self._changed.notify_all()
        elif action.startswith(("health_status", "exec_die")) and host in self.status:
            self.look(host)

    def ended(self) -> dict[str, int]:
        """The hosts whose service ended since this was last asked, with their status."""
        with self._changed:
            found, self._ended = self._ended, {}
            return found

    def due(self) -> list[str]:
        """The hosts that must be started again now; they are then no longer due."""
        with self._changed:
            found = [host for host, at in self._due.items() if at <= time.monotonic()]
            for host in found:
                del self._due[host]
            return found

    def next(self) -> float | None:
        """Seconds until something is due; None if nothing is."""
        with self._changed:
            if self._ended:
                return 0.0
            return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def close(self) -> None:
        """Stop listening."""
        with contextlib.suppress(Exception):
            if self._stream is not None:
                self._stream.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _seconds(text: str) -> float:
    """A time of the daemon's (RFC 3339, with nanoseconds) in seconds since 1970."""
    found = re.fullmatch(r"(\S+?)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        return time.time()
    zone = found[3].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(found[1] + zone).timestamp() + float(found[2] or 0)
