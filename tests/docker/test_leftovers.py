"""A run takes nothing of the user's own labs, and leaves nothing: names, volumes, built images."""

from __future__ import annotations

import dataclasses
import secrets
from pathlib import Path

import pytest

from echolab.engines.docker import owner
from echolab.engines.docker.attach import Api
from echolab.engines.docker.engine import open_network
from echolab.engines.docker.images import ensure
from echolab.job import Job
from echolab.runs import catalogue
from echolab.settings import Settings

pytestmark = pytest.mark.alone

COMPOSE = """
services:
  server:
    build: ./built
    command: [python3, -m, echo_app.server]
    container_name: NAME
    networks: [fixed]
    volumes: [data:/data]
  client:
    image: echolab-host
    x-echolab: idle
    networks: [fixed]
  other:
    image: echolab-host
    x-echolab: idle
networks:
  fixed: {name: NAME}
volumes:
  data: {name: NAME}
"""


def left(api: Api) -> dict[str, set[str]]:
    """What the daemon has."""
    return {
        "containers": {one["Id"] for one in api.containers(all=True)},
        "networks": {one["Id"] for one in api.networks()},
        "volumes": {one["Name"] for one in api.volumes()["Volumes"] or []},
        "images": {one["Id"] for one in api.images()},
    }


def test_a_run_joins_nothing_of_the_users_and_leaves_nothing(
    here: Settings, api: Api, tmp_path: Path
) -> None:
    name = f"test-{secrets.token_hex(4)}"
    images = ensure(here.base_image_file, lambda line: None)
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "Dockerfile").write_text(f"FROM {images.host}\nUSER 10007\n")
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE.replace("NAME", name))
    network = api.create_network(name)["Id"]
    volume = api.create_volume(name)["Name"]
    try:
        before = left(api)
        settings = dataclasses.replace(here, compose=file, folder=tmp_path)
        job = Job("test", "", catalogue.topology(file), capture=False)
        with open_network(job, settings, lambda line: None) as lab:
            assert not api.inspect_network(network)["Containers"]
            container = api.inspect_container(lab.containers["server"])
            assert container["Name"] != f"/{name}"
            assert volume not in {one["Name"] for one in container["Mounts"]}
            built = api.images(filters={"label": owner.LOCK})
            assert [one["Id"] for one in built] == [container["Image"]]
        assert left(api) == before
    finally:
        api.remove_network(network)
        api.remove_volume(volume)
