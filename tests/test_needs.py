"""A machine that lacks what tests need skips them, and fails them in CI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from echolab import resources

NEEDY = [
    "tests/scenarios/test_howto.py::test_the_example_runs_and_its_claims_hold",
    "tests/docker/test_hosts.py",
    "tests/scenarios/test_differential.py::test_claims_hold_alike[file]",
]
"""Tests that need the guest kernel, the daemon, or both."""


@pytest.mark.parametrize("test", NEEDY)
@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("false", 0)])
def test_what_is_lacking_is_skipped_and_fails_in_ci(
    test: str, ci: str, status: int, tmp_path: Path
) -> None:
    environment = {
        "CI": ci,
        "PATH": "/nowhere",
        "HOME": str(tmp_path),
        "DOCKER_HOST": f"unix://{tmp_path}/docker.sock",
        "ECHOLAB_KERNEL": "/nowhere/linux",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", test],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=resources.ROOT,
        env=environment,
        check=False,
    )
    assert ended.returncode == status, ended.stdout
    assert ("SKIPPED" in ended.stdout) == (ci == "false")
