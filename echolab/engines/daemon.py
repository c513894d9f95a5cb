"""The Docker daemon: one connection, and its errors told in our words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from echolab.engines.attached import Api
from echolab.errors import CannotRun, EcholabError

CALL_LIMIT = 60.0
"""Seconds that one call of the daemon may take."""


def connect(timeout: float = CALL_LIMIT) -> Api:
    """The API of the daemon that the environment names. Raises CannotRun where none answers."""
    try:
        return Api(timeout=int(timeout), **kwargs_from_env())
    except (DockerException, requests.RequestException, OSError) as error:
        raise CannotRun(*why_absent(error)) from None


def why_absent(error: Exception) -> tuple[str, str]:
    """Why the daemon does not answer, and the one step that mends it."""
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        return (
            "this user may not talk to the Docker daemon",
            'sudo usermod -aG docker "$USER", then log in again',
        )
    return "no Docker daemon answers", "install Docker Engine and start it: systemctl start docker"


@contextlib.contextmanager
def daemon_errors(doing: str) -> Iterator[None]:
    """Turn what the daemon refuses while `doing` something into one clear line.

    Raises CannotRun with the daemon's own first line, and a remedy where it is known.
    """
    try:
        yield
    except EcholabError:
        raise
    except (DockerException, requests.RequestException, OSError) as error:
        said = _said(error)
        raise CannotRun(f"{doing}: {said}", remedy(said)) from error


def remedy(said: str) -> str:
    """What to do about a refusal of the daemon or of Compose."""
    lower = said.lower()
    if "no space left on device" in lower:
        return "make room on the disk of the Docker daemon: docker system prune"
    if "port is already allocated" in lower or "address already in use" in lower:
        return "end what uses that port, or publish another one"
    if "could not find an available" in lower or "address pool" in lower:
        return "too many Docker networks: ./lab clean, docker network prune"
    if "connection refused" in lower or "connection aborted" in lower or "timed out" in lower:
        return "see whether the Docker daemon still runs: docker info"
    return "see what the Docker daemon logged: journalctl -u docker"


def _said(error: Exception) -> str:
    text = str(error.explanation or error) if isinstance(error, APIError) else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
