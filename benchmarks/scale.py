"""How the exact engine's cost grows with hosts: a server and 10, 100 and 300 clients.

    PYTHONPATH=. .venv/bin/python benchmarks/scale.py

For each size: wall time from the start of the boot until the hosts are up, the wall time
of a run in which each client has a link of its own and all connect and echo at once, the
cost of each host as the growth between two sizes, and the server's listen queue. Ends with
status 0 where 100 hosts are up within 1.0 s and the cost of a host does not grow.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from echolab.cli import settings
from echolab.engines import answers, exact
from echolab.job import Job
from echolab.topology import Host, Topology

LAB = Path(__file__).with_name("scale_lab.py")

MOST_SECONDS = 1.0
"""Wall time within which 100 hosts must be up."""

MOST_GROWTH = 1.5
"""By how much a host may cost more among 300 than among 100 and still be called linear."""

READY = '"argv": ["true"]'


@dataclasses.dataclass(frozen=True)
class Size:
    """What a number of clients cost, in seconds of wall time, and what the server saw."""

    clients: int
    up: float
    echoing: float
    lab_seconds: float
    claims: Sequence[dict[str, Any]]


def topology(clients: int) -> Topology:
    server = Host("server", ("python3", "-m", "echo_app.server"))
    idle = (Host(f"client-{number}", idle=True) for number in range(1, clients + 1))
    return Topology((server, *idle))


def perform(name: str, clients: int, folder: Path) -> dict[str, Any]:
    job = Job(name, str(LAB), topology(clients), seed=1, capture=False)
    here = dataclasses.replace(settings(), folder=folder, wall_limit=300.0)
    return exact.run(job, here, lambda line: None)


def seconds_until_up(clients: int) -> float:
    """Wall time from the start of the boot until the first program starts on a host."""
    seen: list[float] = []
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, answers.PROGRAMS)

        def watch() -> None:
            while not seen and not done.wait(0.002):
                if log.exists() and READY in log.read_text():
                    seen.append(time.monotonic())

        watcher = threading.Thread(target=watch)
        began = time.monotonic()
        watcher.start()
        try:
            perform("up", clients, Path(folder))
        finally:
            done.set()
            watcher.join()
    return seen[0] - began


def measure(clients: int, repeat: int) -> Size:
    up = min(seconds_until_up(clients) for _ in range(repeat))
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        record = perform("echoing", clients, Path(folder))
        took = time.monotonic() - began
    return Size(clients, up, took, record["lab_seconds"], record["claims"])


def lines(sizes: Sequence[Size]) -> Iterator[str]:
    yield "clients  up [s]  echoing [s]  lab [s]"
    for size in sizes:
        yield f"{size.clients:7}  {size.up:6.2f}  {size.echoing:11.2f}  {size.lab_seconds:7.2f}"
        for claim in size.claims:
            yield f"         {claim['text']}: {claim['seen']}"
    for less, more in itertools.pairwise(sizes):
        hosts = more.clients - less.clients
        up, echoing = (more.up - less.up) / hosts, (more.echoing - less.echoing) / hosts
        yield (
            f"a host more, from {less.clients} to {more.clients}: "
            f"{up * 1e3:.1f} ms up, {echoing * 1e3:.1f} ms echoing"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 300])
    parser.add_argument("--repeat", type=int, default=3, help="times that coming up is measured")
    options = parser.parse_args()
    lack = exact.lack(settings())
    if lack:
        print(f"{lack.what}; {lack.remedy}", file=sys.stderr)
        return 4
    sizes = [measure(clients, options.repeat) for clients in options.sizes]
    print("\n".join(lines(sizes)))
    bars = [("100 hosts up [s]", size.up / MOST_SECONDS) for size in sizes if size.clients == 100]
    if len(sizes) > 2:
        small, middle, large = sizes[-3:]
        first = (middle.echoing - small.echoing) / (middle.clients - small.clients)
        second = (large.echoing - middle.echoing) / (large.clients - middle.clients)
        bars.append(("growth of a host's cost", second / first / MOST_GROWTH))
    for name, ratio in bars:
        print(f"{name}: {ratio:.2f} of what is allowed")
    return 0 if all(ratio <= 1 for _, ratio in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
