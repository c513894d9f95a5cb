"""The Docker daemon: one connection, and its errors in our words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from echolab.engines.docker.attach import Api
from echolab.engines.docker.reasons import remedy
from echolab.errors import CannotRun, EcholabError

CALL_LIMIT = 60.0
"""Seconds that one call of the daemon may take."""


def connect(timeout: float = CALL_LIMIT) -> Api:
    """The API of the daemon that the environment names. Raises CannotRun if it does not answer."""
    try:
        return Api(timeout=int(timeout), **kwargs_from_env())
    except (DockerException, requests.RequestException, OSError) as error:
        raise CannotRun(*why_absent(error)) from None


def why_absent(error: Exception) -> tuple[str, str]:
    """Why the daemon does not answer, and the one step that helps."""
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        return (
            "this user may not talk to the Docker daemon",
            'sudo usermod -aG docker "$USER", then log in again',
        )
    return "no Docker daemon answers", "install Docker Engine and start it: systemctl start docker"


@contextlib.contextmanager
def daemon_errors(doing: str) -> Iterator[None]:
    """Turn the daemon's refusal while `doing` something into one clear line.

    Raises CannotRun with the daemon's own first line, and a remedy if one is known.
    """
    try:
        yield
    except EcholabError:
        raise
    except (DockerException, requests.RequestException, OSError) as error:
        said = _said(error)
        raise CannotRun(f"{doing}: {said}", remedy(said)) from error


def _said(error: Exception) -> str:
    text = str(error.explanation or error) if isinstance(error, APIError) else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
