"""How the exact engine's cost grows with hosts: a server and 2, 100 and 1,000 clients.

    .venv/bin/python -m benchmarks.scale

For each size: wall time from the start of the boot until the hosts are up, each with a link of its
own; up to 100 clients also the wall time of a run in which all connect and echo at once, and the
server's listen queue. Then the cost of each further host between two sizes. Ends with status 0 if
100 hosts are up within 0.5 s, 1,000 within 6 s, and the cost of a host does not grow.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from echolab.engines import job_files
from echolab.engines.exact import engine
from echolab.job import Job
from echolab.record import Claim, Record
from echolab.settings import Settings
from echolab.topology import Host, Topology

LAB = Path(__file__).with_name("scale_lab.py")

MOST_SECONDS = {100: 0.5, 1000: 6.0}
"""Wall time within which that many hosts must be up."""

MOST_GROWTH = 1.3
"""By how much a host may cost more among 1,000 than among 100 and still be called linear."""

MOST_ECHOING = 100
"""Up to this many clients all of them echo, too: with 1,000 it would take a minute and a half."""

READY = '"argv": ["true"]'


@dataclasses.dataclass(frozen=True)
class Size:
    """The cost of a number of clients, in seconds of wall time, and what the server saw."""

    clients: int
    up: float
    echoing: float | None = None
    lab_seconds: float | None = None
    claims: Sequence[Claim] = ()


def topology(clients: int) -> Topology:
    server = Host("server", ("python3", "-m", "echo_app.server"))
    idle = (Host(f"client-{number}", idle=True) for number in range(1, clients + 1))
    return Topology((server, *idle))


def perform(name: str, clients: int, folder: Path) -> Record:
    job = Job(name, str(LAB), topology(clients), seed=1, capture=False)
    here = dataclasses.replace(
        Settings.from_environment(os.environ), folder=folder, wall_limit=300.0
    )
    return engine.run(job, here, lambda line: None)


def seconds_until_up(clients: int) -> float:
    """Wall time from the start of the boot until the first program starts on a host."""
    seen: list[float] = []
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, job_files.PROGRAMS)

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
    if clients > MOST_ECHOING:
        return Size(clients, up)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        record = perform("echoing", clients, Path(folder))
        took = time.monotonic() - began
    return Size(clients, up, took, record.lab_seconds, record.claims)


def lines(sizes: Sequence[Size]) -> Iterator[str]:
    yield "clients  up [s]  echoing [s]  lab [s]"
    for size in sizes:
        echoing = "" if size.echoing is None else f"  {size.echoing:11.2f}"
        lab = "" if size.lab_seconds is None else f"  {size.lab_seconds:7.2f}"
        yield f"{size.clients:7}  {size.up:6.2f}{echoing}{lab}"
        for claim in size.claims:
            yield f"         {claim.text}: {claim.seen}"
    for less, more in itertools.pairwise(sizes):
        cost = cost_of_a_host(less, more)
        yield f"a host more, from {less.clients} to {more.clients}: {cost * 1e3:.2f} ms up"


def cost_of_a_host(less: Size, more: Size) -> float:
    """Seconds that each further host takes to be up."""
    return (more.up - less.up) / (more.clients - less.clients)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 100, 1000])
    parser.add_argument("--repeat", type=int, default=3, help="times that coming up is measured")
    options = parser.parse_args()
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        print(f"{lack.what}; {lack.remedy}", file=sys.stderr)
        return 4
    sizes = [measure(clients, options.repeat) for clients in options.sizes]
    print("\n".join(lines(sizes)))
    bars = [
        (f"{size.clients} hosts up", size.up / MOST_SECONDS[size.clients])
        for size in sizes
        if size.clients in MOST_SECONDS
    ]
    if len(sizes) > 2:
        small, middle, large = sizes[-3:]
        growth = cost_of_a_host(middle, large) / cost_of_a_host(small, middle)
        bars.append(("growth of a host's cost", growth / MOST_GROWTH))
    for name, ratio in bars:
        print(f"{name}: {ratio:.2f} of what is allowed")
    return 0 if all(ratio <= 1 for _, ratio in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
