"""The lab that stands until it is taken down: Compose, for people to look around in."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from echolab.engines import Progress, compose
from echolab.engines.daemon import connect, daemon_errors, remedy
from echolab.engines.images import ensure
from echolab.errors import CannotRun

UP_LIMIT = 300.0
"""Seconds in which Compose must have both hosts up, the images being there."""

CLIENT_LIMIT = 60.0
"""Seconds that the client's own command may take."""

PROJECT = "com.docker.compose.project.working_dir"


def up(file: Path, progress: Progress) -> tuple[int, str]:
    """Bring the lab up, wait for the client's command, return its exit status and output.

    The images are built first where they must be. Raises CannotRun where Docker or Compose
    cannot do it.
    """
    ensure(progress)
    progress("starting server and client")
    _compose(file, "up", "--detach", "--no-build")
    progress("waiting for the client")
    return _client(file)


def down(file: Path) -> None:
    """Take the lab down; it is no mistake where none stands."""
    _compose(file, "down", "--remove-orphans", "--timeout", "2")


def _compose(file: Path, *words: str) -> None:
    argv = [*compose.command(), "--file", str(file), *words]
    if argv[0] == "--file":
        raise CannotRun("Compose is not installed", "apt-get install docker-compose")
    try:
        done = subprocess.run(
            argv,
            cwd=file.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=UP_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotRun(f"Compose did not end within {UP_LIMIT:g} s", "docker ps -a") from None
    if done.returncode != 0:
        raise CannotRun(*_failure(done.stderr.splitlines()))


def _failure(said: Sequence[str]) -> tuple[str, str]:
    wrong = [line.strip() for line in said if "error" in line.lower()] or list(said[-1:])
    text = " ".join(wrong[:2])
    return f"Compose failed: {text}", remedy(text)


def _client(file: Path) -> tuple[int, str]:
    api = connect(timeout=CLIENT_LIMIT)
    with daemon_errors("waiting for the client"):
        wanted = {
            "label": [f"{PROJECT}={file.parent}", f"{compose.SERVICE_LABEL}=client"],
        }
        found = api.containers(all=True, filters=wanted)
        if not found:
            raise CannotRun(f"{file} has no service 'client' that was started", "docker ps -a")
        container = found[0]["Id"]
        status = int(api.wait(container, timeout=int(CLIENT_LIMIT))["StatusCode"])
        output = api.logs(container, stdout=True, stderr=True).decode(errors="replace")
    return status, output
