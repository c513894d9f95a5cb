"""A scenario's claims hold alike on containers and in virtual time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from echolab import resources
from echolab.engines import registry
from echolab.settings import Settings
from tests.needs import lacking

CHOSEN = (
    ("echo", ()),
    ("file", ()),
    ("latency", ("count=10",)),
    ("loss", ("count=200", "interval=0.005")),
    ("duplicate", ("count=100",)),
    ("fragments", ("count=100",)),
    ("head-of-line", ()),
    ("short-read", ()),
    ("half-close", ()),
)
"""Scenarios that together meet every part of the contract, small enough for real time."""

TIMELESS = ("read-back", "conservation", "link", "account", "kernel counts")
"""Proofs that being busy excuses no machine from."""


def run(engine: str, name: str, given: tuple[str, ...]) -> dict[str, Any]:
    """The record of one run, as the command prints it."""
    options = [word for pair in given for word in ("--set", pair)]
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "echolab",
            "run",
            name,
            *options,
            "--json",
            "--engine",
            engine,
            "--seed",
            "3",
            "--no-report",
            "--no-capture",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=resources.ROOT,
        check=False,
    )
    assert ended.returncode in (0, 1, 3), ended.stderr
    (record,) = json.loads(ended.stdout)
    assert isinstance(record, dict)
    return record


@pytest.mark.docker
@pytest.mark.alone
@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize(("name", "given"), CHOSEN, ids=[name for name, _ in CHOSEN])
def test_claims_hold_alike(name: str, given: tuple[str, ...]) -> None:
    """The same claims; in virtual time all pass, on containers none fails.

    A busy machine may leave a run on containers inconclusive, and must then say why; the
    proofs that have nothing to do with time hold on every machine.
    """
    for engine in (registry.load("docker"), registry.load("exact")):
        lack = engine.lack(Settings.from_environment(os.environ))
        if lack:
            lacking(f"{engine.NAME}: {lack.what}; {lack.remedy}")
    real, virtual = run("docker", name, given), run("exact", name, given)
    assert [claim["text"] for claim in real["claims"]] == [
        claim["text"] for claim in virtual["claims"]
    ]
    assert {claim["verdict"] for claim in virtual["claims"]} == {"pass"}
    proofs = {check["name"]: (check["verdict"], check["why"]) for check in real["checks"]}
    for name in TIMELESS:
        assert proofs[name][0] == "pass", proofs[name]
    for claim in real["claims"]:
        assert claim["verdict"] != "fail", claim
        assert claim["verdict"] != "inconclusive" or claim["why"]
