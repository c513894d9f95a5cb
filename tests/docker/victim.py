"""A run that is to be killed: brings hosts up, shapes both links, sends for ever.

    python victim.py CACHE FOLDER [KERNEL]

Says `shaped` on standard output when both links are shaped.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from echolab import resources
from echolab.engines.docker.engine import open_network
from echolab.job import Job
from echolab.runs import catalogue
from echolab.settings import Settings


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    cache, folder, *kernel = map(Path, sys.argv[1:])
    compose = resources.COMPOSE
    settings = Settings(folder, cache, compose, kernel[0] if kernel else None)
    job = Job("victim", "", catalogue.topology(compose), capture=True)
    with open_network(job, settings, lambda line: None) as network:
        for host in network.containers:
            network.tc(host, ("qdisc", "replace", "dev", "eth0", "root", "netem", "loss", "50%"))
        print("shaped", flush=True)
        argv = ["python3", "-m", "echo_app.probe", "server", "--count", "100000"]
        network.start("client", argv).wait(None)


if __name__ == "__main__":
    main()
