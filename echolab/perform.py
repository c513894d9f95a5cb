"""Perform a job on a network that is up: run its scenario and gather its record."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from echolab import script as scripts
from echolab.engines.contract import Captured, Finished, Network
from echolab.job import Job
from echolab.lab import Lab
from echolab.record import FORMAT, Record

LONGEST_OUTPUT = 65536
"""Characters of each program's output that a record keeps."""


def perform(job: Job, network: Network, engine: str) -> Record:
    """Run the job's scenario on `network` and return the record, not judged yet.

    Raises ScriptError for what the user's script does wrong, CannotRun where the network
    broke down. Whatever the scenario left running is stopped. Lab time and everything the
    kernel counted are in the record; wall time, the machine and the tools are added by
    the engine.
    """
    script = Path(job.script)
    marked = scripts.find(script, job.scenario)
    lab = Lab(
        *(network, job.topology, engine, job.seed),
        baseline=marked.baseline,
        folder=script.parent,
    )
    if marked.measured:
        lab.measurement.begin()
    try:
        with scripts.user_errors(script):
            marked.function(lab, **job.parameters)
    finally:
        lab.stop_all()
    if marked.measured:
        lab.measurement.end()
        lab.shaping.confirm()
    lab_seconds = network.now()
    return _record(job, marked, network, lab, lab_seconds, network.captures())


def _record(
    job: Job,
    marked: scripts.Scenario,
    network: Network,
    lab: Lab,
    lab_seconds: float,
    captures: Sequence[Captured],
) -> Record:
    return {
        "format": FORMAT,
        "scenario": job.scenario,
        "sentence": marked.sentence,
        "summary": marked.summary,
        "expect": marked.expect,
        "parameters": dict(job.parameters),
        "engine": lab.engine,
        "seed": job.seed,
        "kernel": network.kernel,
        "link_by": network.link_by,
        "link_kernel": network.link_kernel,
        "lab_seconds": lab_seconds,
        "epoch": round(time.time() - network.now(), 6),
        "hosts": [
            {"name": name, **dataclasses.asdict(network.addresses[name])} for name in lab.hosts
        ],
        "warnings": list(lab.shaping.warnings),
        "commands": [dataclasses.asdict(command) for command in lab.shaping.commands],
        "links": [dataclasses.asdict(stretch) for stretch in lab.shaping.stretches],
        "baseline": [probe.to_json() for probe in lab.measurement.baseline],
        "probes": [probe.to_json() for probe in lab.probes],
        "programs": [_program(finished) for finished in lab.finished],
        "counters": lab.measurement.to_json(),
        "claims": [dataclasses.asdict(claim) for claim in lab.claims],
        "captures": [_capture(captured) for captured in captures],
        "python": sys.version.split()[0],
    }


def _program(finished: Finished) -> dict[str, Any]:
    shown = dataclasses.asdict(finished)
    for stream in ("stdout", "stderr"):
        shown[stream] = shown[stream][:LONGEST_OUTPUT]
    return shown


def _capture(captured: Captured) -> dict[str, str]:
    import hashlib  # brings libcrypto, which each fork of a run without captures would copy

    path = Path(captured.file)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "host": captured.host,
        "where": captured.where,
        "file": path.name,
        "sha256": digest,
    }
