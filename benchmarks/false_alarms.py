"""Draw the claim of `loss` ten thousand times and count the false alarms.

    PYTHONPATH=. .venv/bin/python benchmarks/false_alarms.py --draws 10000

Each draw is twenty datagrams through links of 10 % both ways, judged by
itself as a run is. Many draws share a boot, each boot has a seed of its own. Without a
fault no verdict may be other than `pass`, but by a chance of at most 1e-6 for each.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

from echolab import catalogue, judge, script
from echolab.cli import settings
from echolab.engines import exact
from echolab.errors import EcholabError

SCRIPT = Path(__file__).with_name("draws.py")

DRAWS_A_BOOT = 250


def boot(seed: int) -> collections.Counter[str]:
    """The verdicts of one boot's draws, and of the proofs of its network."""
    hosts = catalogue.topology(catalogue.ROOT / "compose.yaml")
    entry = catalogue.Entry(script.load(SCRIPT)[0], SCRIPT)
    job = catalogue.job(entry, hosts, {"draws": str(DRAWS_A_BOOT)}, seed, capture=False)
    with tempfile.TemporaryDirectory() as folder:
        here = dataclasses.replace(settings(), folder=Path(folder))
        (result,) = exact.run_all([job], here, lambda line: None)
    if isinstance(result, EcholabError):
        raise SystemExit(f"seed {seed}: {result}")
    record = judge.judge(result)
    doubts = [check["why"] for check in record["checks"] if check["verdict"] != "pass"]
    if doubts:
        print(f"seed {seed}: {doubts}", flush=True)
    return collections.Counter(claim["verdict"] for claim in record["claims"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    boots = -(-chosen.draws // DRAWS_A_BOOT)
    verdicts: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(chosen.workers) as pool:
        for done, found in enumerate(pool.map(boot, range(1, boots + 1)), start=1):
            verdicts += found
            print(f"\r{done} of {boots} boots", end="", file=sys.stderr, flush=True)
    draws = sum(verdicts.values())
    print(f"\n{draws} draws in {time.monotonic() - began:.0f} s: {dict(verdicts)}")
    print(f"false alarms: {draws - verdicts['pass']}, expected at most {draws * 1e-6:.2f}")
    return 0 if verdicts["pass"] == draws else 1


if __name__ == "__main__":
    sys.exit(main())
