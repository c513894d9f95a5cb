"""Draw the claims of `loss` and of `burst` ten thousand times each and count the false alarms.

    .venv/bin/python -m benchmarks.false_alarms --draws 10000

Each draw is twenty datagrams through links that lose 10 % both ways, or twenty after a loss or
after a delivery through a link that loses half of them in bursts, judged by itself as a run is.
Many draws share a boot; each boot has a seed of its own. Nothing is wrong, so every verdict must be
`pass`, with a chance of at most 1e-6 of anything else.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import functools
import os
import sys
import tempfile
import time
from pathlib import Path

from echolab import resources
from echolab.engines.exact import engine
from echolab.errors import EcholabError
from echolab.judge import verdicts
from echolab.record import NOT_APPLICABLE
from echolab.runs import catalogue
from echolab.scenario import script
from echolab.settings import Settings

SCRIPT = Path(__file__).with_name("draws.py")

DRAWS_A_BOOT = 250


def boot(name: str, seed: int) -> collections.Counter[str]:
    """The verdicts of one boot's draws, and of the proofs of its network."""
    hosts = catalogue.topology(resources.COMPOSE)
    entry = catalogue.Entry(script.find(SCRIPT, name), SCRIPT)
    job = catalogue.job(entry, hosts, {"draws": str(DRAWS_A_BOOT)}, seed, capture=False)
    with tempfile.TemporaryDirectory() as folder:
        here = dataclasses.replace(Settings.from_environment(os.environ), folder=Path(folder))
        (result,) = engine.run_all([job], here, lambda line: None)
    if isinstance(result, EcholabError):
        raise SystemExit(f"{name}, seed {seed}: {result}")
    record = verdicts.judge(result)
    doubts = [check.why for check in record.checks if check.verdict != "pass"]
    if doubts:
        print(f"{name}, seed {seed}: {doubts}", flush=True)
    return collections.Counter(claim.verdict for claim in record.claims)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    return max(alarms(name, chosen.draws, chosen.workers) for name in ("loss", "burst"))


def alarms(name: str, wanted: int, workers: int) -> int:
    """Draw the claim of that name that often and report the results; 1 if any was not `pass`."""
    boots = -(-wanted // DRAWS_A_BOOT)
    verdicts: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        found = pool.map(functools.partial(boot, name), range(1, boots + 1))
        for done, counted in enumerate(found, start=1):
            verdicts += counted
            print(f"\r{done} of {boots} boots", end="", file=sys.stderr, flush=True)
    draws = sum(verdicts.values()) - verdicts[NOT_APPLICABLE]
    print(f"\n{name}: {draws} draws in {time.monotonic() - began:.0f} s: {dict(verdicts)}")
    print(f"false alarms: {draws - verdicts['pass']}, expected at most {draws * 1e-6:.2f}")
    return 0 if verdicts["pass"] == draws else 1


if __name__ == "__main__":
    sys.exit(main())
