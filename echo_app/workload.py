"""The clients of a workload on one host: they work side by side, one JSON line an event.

`python3 -m echo_app.workload` reads a JSON object from standard input:

- `functions`: a list of `source`, `line` and `path`, the functions of the scenario's script that
  the operation needs, itself last; `values` and `modules`, the names that they use
- `operation`: the name of that function; it is called with a `Client`, again and again
- `arguments`: what it is given besides the client, by name
- `processes`: a name for each client; `seed`, `timeout`, `interval`, `operations`, `paced`

Each operation leaves two lines: what was asked for, when; and its outcome, when. Times are those
of CLOCK_MONOTONIC in nanoseconds. Between two operations a client waits a random time, as long as
`interval` on average; if they are `paced`, that is the time from the beginning of one to that of
the next, as far as an answer does not take longer.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from echo_app.client import Client, Refused

FAILED = 1


def namespace(request: dict[str, Any]) -> dict[str, Any]:
    """What the functions of the script find: one another, values, modules."""
    found: dict[str, Any] = {"__name__": "operation", "Client": Client, "Refused": Refused}
    found.update(request["values"])
    for name, module in request["modules"].items():
        found[name] = importlib.import_module(module)
    for one in request["functions"]:
        text = "\n" * (one["line"] - 1) + one["source"]
        flags = 0x1000000  # annotations stay texts (__future__.CO_FUTURE_ANNOTATIONS)
        exec(compile(text, one["path"], "exec", flags, True), found)  # noqa: S102
    return found


class Workload:
    """All clients of one host."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        operation: Callable[..., None] = namespace(request)[request["operation"]]
        self._operation = functools.partial(operation, **request["arguments"])
        self._writing = threading.Lock()
        self.failure = ""

    def note(self, facts: Mapping[str, object]) -> None:
        """Print one event."""
        line = json.dumps(facts)
        with self._writing:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def perform(self) -> None:
        """Have every client do its operations."""
        work = [
            threading.Thread(target=functools.partial(self._work, process), daemon=True)
            for process in self._request["processes"]
        ]
        self.note({"begun": time.monotonic_ns()})
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()

    def _work(self, process: str) -> None:
        request = self._request
        client = Client(process, f"{request['seed']} {process}", request["timeout"], self.note)
        begins = time.monotonic()
        try:
            for _ in range(request["operations"]):
                wait = client.random.uniform(0, 2 * request["interval"])
                begins += wait
                time.sleep(max(begins - time.monotonic(), 0.0) if request["paced"] else wait)
                self._operation(client)
        except Exception:
            self.failure = traceback.format_exc()


def main() -> int:
    """Work as standard input asks; the exit status."""
    workload = Workload(json.load(sys.stdin))
    workload.perform()
    if workload.failure:
        print(workload.failure, file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
