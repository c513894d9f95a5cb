"""`compose.yaml` by itself, as people use it: up, the sentence, the server stays."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator

import pytest

from echolab import resources
from echolab.engines.docker import compose
from echolab.engines.docker.attach import Api
from echolab.engines.docker.images import ensure
from echolab.settings import Settings

LIMIT = 120


@pytest.fixture(scope="module")
def project(here: Settings) -> Iterator[str]:
    """The lab, up, under a project name of its own; taken down afterwards."""
    ensure(here.base_image_file, lambda line: None)
    name = f"test-{secrets.token_hex(4)}"
    argv = [*compose.command(), "--project-name", name]
    try:
        subprocess.run(
            [*argv, "up", "--detach"],
            cwd=resources.ROOT,
            check=True,
            capture_output=True,
            timeout=LIMIT,
        )
        yield name
    finally:
        subprocess.run(
            [*argv, "down", "--timeout", "1"], cwd=resources.ROOT, check=True, timeout=LIMIT
        )


def container(api: Api, project: str, service: str) -> str:
    wanted = [f"{compose.PROJECT_LABEL}={project}", f"{compose.SERVICE_LABEL}={service}"]
    (found,) = api.containers(all=True, filters={"label": wanted})
    return str(found["Id"])


def test_the_client_prints_the_sentence_and_ends_with_0(api: Api, project: str) -> None:
    client = container(api, project, "client")
    assert api.wait(client, timeout=30)["StatusCode"] == 0
    assert api.logs(client).decode() == "Wir erschrecken zu guten Zwecken!\n"


def test_the_server_stays_and_is_healthy(api: Api, project: str) -> None:
    api.wait(container(api, project, "client"), timeout=30)
    server = container(api, project, "server")
    time.sleep(1.5)  # longer than the interval of the health check
    state = api.inspect_container(server)["State"]
    assert (state["Status"], state["Health"]["Status"]) == ("running", "healthy")


def test_everything_has_our_label(api: Api, project: str) -> None:
    wanted = {"label": [f"{compose.PROJECT_LABEL}={project}", "echolab"]}
    assert len(api.containers(all=True, filters=wanted)) == 2
    assert len(api.networks(filters=wanted)) == 1


def test_nothing_has_a_fixed_name_or_subnet() -> None:
    text = (resources.COMPOSE).read_text(encoding="utf-8")
    assert "container_name" not in text
    assert "subnet" not in text
