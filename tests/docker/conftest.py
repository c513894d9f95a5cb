"""The lab's hosts as real containers, for tests that look at them and at their links.

Without a Docker daemon these tests are skipped and say why; where CI=true they fail.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import testinfra

from echolab import resources
from echolab.engines.docker import engine, owner
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import connect
from echolab.engines.docker.engine import open_network
from echolab.engines.docker.images import ensure
from echolab.engines.docker.link_container import has_netem
from echolab.engines.docker.network import ContainerNetwork
from echolab.job import Job
from echolab.kernel import build
from echolab.runs import catalogue
from echolab.scenario import inspection
from echolab.settings import Settings
from tests.needs import lacking

Opener = Callable[..., ContainerNetwork]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a run whose folder is a temporary one, where this machine has Docker."""
    found = dataclasses.replace(
        Settings.from_environment(os.environ), folder=tmp_path_factory.mktemp("run")
    )
    lack = engine.lack(found)
    if lack is not None:
        lacking(f"{lack.what}; {lack.remedy}")
    return found


@pytest.fixture(scope="session")
def job() -> Job:
    """The lecture's hosts, without captures."""
    return Job("test", "", catalogue.topology(resources.COMPOSE), capture=False)


@pytest.fixture(scope="session")
def api(here: Settings) -> Iterator[Api]:
    connection = connect()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def link_image(here: Settings) -> str:
    return ensure(here.base_image_file, lambda line: None).link


@pytest.fixture(scope="module")
def apart(
    here: Settings, api: Api, link_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings with a cache of their own, so that other runs' locks are elsewhere.

    It knows the kernel, and what the daemon's can do, as the cache of an earlier run does.
    """
    folder = tmp_path_factory.mktemp("apart")
    kernel = build.find(here.cache, here.kernel)
    path = kernel.path if kernel is not None else None
    has_netem(api, link_image, {}, folder / "cache")
    return dataclasses.replace(here, cache=folder / "cache", folder=folder, kernel=path)


def left(api: Api, settings: Settings) -> list[str]:
    """Everything that names a lock of these settings."""
    wanted = {"label": owner.LOCK}
    found = [*api.containers(all=True, filters=wanted), *api.networks(filters=wanted)]
    found += api.volumes(filters=wanted)["Volumes"] or []
    folder = str((settings.cache / "runs").resolve())
    return [
        str(entry.get("Names") or entry["Name"])
        for entry in found
        if entry["Labels"][owner.LOCK].startswith(folder)
    ]


@pytest.fixture(scope="module")
def network(here: Settings, job: Job) -> Iterator[ContainerNetwork]:
    """The lecture's hosts, up; nothing is shaped at first."""
    with open_network(job, here, lambda line: None) as up:
        yield up


def look_into(container: str) -> testinfra.host.Host:
    """A container as testinfra sees it from inside."""
    return testinfra.get_host(f"docker://{container}")


@pytest.fixture(params=["server", "client"])
def host(network: ContainerNetwork, request: pytest.FixtureRequest) -> testinfra.host.Host:
    """Each host of the lab in turn."""
    found: testinfra.host.Host = inspection.host(network, request.param)
    return found


@pytest.fixture
def server(network: ContainerNetwork) -> testinfra.host.Host:
    found: testinfra.host.Host = inspection.host(network, "server")
    return found


@pytest.fixture
def client(network: ContainerNetwork) -> testinfra.host.Host:
    found: testinfra.host.Host = inspection.host(network, "client")
    return found


@pytest.fixture
def beside(network: ContainerNetwork) -> Callable[[str], testinfra.host.Host]:
    """The link container of a host: it has the host's network, and tools to look at it."""
    return lambda name: look_into(network.links[name].id)
