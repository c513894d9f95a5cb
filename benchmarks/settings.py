"""Draw settings within the domains of all scenarios' parameters: none may fail or crash.

    .venv/bin/python -m benchmarks.settings --draws 300

Each draw is a scenario, a value for each of its parameters and a seed. The value is the default,
an end of the domain, or anything between, evenly or by its order of magnitude. A claim must be
`pass` or `not applicable`; in virtual time nothing is inconclusive, since no machine is too busy.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from echolab.engines.exact import engine
from echolab.errors import EcholabError
from echolab.job import Job, ParameterValue
from echolab.judge import verdicts
from echolab.record import NOT_APPLICABLE, PASS, Record
from echolab.runs import catalogue
from echolab.scenario.parameter import Parameter
from echolab.settings import Settings

JOBS_A_GUEST = 5


def value(chance: random.Random, default: ParameterValue, meaning: Parameter) -> str:
    """A value of a parameter, as a user may give it."""
    low, high = meaning.low, meaning.high
    if isinstance(default, (bool, str)) or low is None or high is None or chance.random() < 0.25:
        return str(default)
    manner = chance.random()
    if manner < 0.2:
        drawn = chance.choice((low, high))
    elif manner < 0.6 or low <= 0:
        drawn = chance.uniform(low, high if chance.random() < 0.5 else low + (high - low) / 10)
    else:
        drawn = low * (high / low) ** chance.random()
    return str(round(drawn)) if isinstance(default, int) else f"{drawn:.4g}"


def draw(number: int, seed: int = 0) -> Job:
    """The job of that number: always the same for the same seed."""
    chance = random.Random(seed * 1_000_003 + number)  # noqa: S311 (no secret)
    entries = catalogue.every()
    entry = entries[number % len(entries)]
    given = {
        name: value(chance, default, entry.scenario.meaning(name))
        for name, default in entry.scenario.parameters.items()
    }
    hosts = catalogue.topology(catalogue.compose_file(entry, None))
    return catalogue.job(entry, hosts, given, chance.randrange(2**32), capture=False)


def complaints(job: Job, result: Record | EcholabError) -> list[str]:
    """What is wrong with the run of a job, one line each."""
    words = " ".join(f"--set {name}={value}" for name, value in job.parameters.items())
    subject = f"{job.scenario} --seed {job.seed} {words}"
    if isinstance(result, EcholabError):
        return [f"{subject}\n    {result}"]
    record = verdicts.judge(result)
    wrong = [
        f"{claim.verdict}  {claim.text}: {claim.why}"
        for claim in record.claims
        if claim.verdict not in (PASS, NOT_APPLICABLE)
    ]
    if not wrong and record.verdict != PASS:
        wrong = [f"the run is {record.verdict}"]
    return [f"{subject}\n    " + "\n    ".join(wrong)] if wrong else []


def perform(numbers: Sequence[int], seed: int) -> list[str]:
    """Perform the jobs of these numbers in one guest; return what is wrong."""
    jobs = [draw(number, seed) for number in numbers]
    with tempfile.TemporaryDirectory() as folder:
        here = dataclasses.replace(Settings.from_environment(os.environ), folder=Path(folder))
        results = engine.run_all(jobs, here, lambda line: None)
    return [
        line for job, result in zip(jobs, results, strict=True) for line in complaints(job, result)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    began = time.monotonic()
    wrong: list[str] = []
    with concurrent.futures.ProcessPoolExecutor(chosen.workers) as pool:
        parts = [
            list(range(at, min(at + JOBS_A_GUEST, chosen.draws)))
            for at in range(0, chosen.draws, JOBS_A_GUEST)
        ]
        for found in pool.map(perform, parts, [chosen.seed] * len(parts)):
            wrong += found
            print("\n".join(found), flush=True) if found else None
    print(f"{chosen.draws} settings in {time.monotonic() - began:.0f} s: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
