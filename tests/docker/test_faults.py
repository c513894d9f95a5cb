"""A failure is one clear line; no run goes on after it, and nothing is left behind."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from echolab import resources
from echolab.engines.docker.attach import Api
from echolab.engines.docker.engine import open_network
from echolab.engines.docker.network import ContainerNetwork
from echolab.engines.docker.program import output_of
from echolab.engines.docker.reasons import remedy
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.runs import catalogue
from echolab.settings import Settings
from tests.docker.conftest import left

END_APPLIANCE = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    if b"rootfstype=hostfs" in (process / "cmdline").read_bytes():
        os.kill(int(process.name), signal.SIGKILL)
"""


def open_file(here: Settings, folder: Path, document: object) -> ContainerNetwork:
    """Bring up a Compose file of somebody's own."""
    file = folder / "compose.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    job = Job("test", "", catalogue.topology(file), capture=False)
    settings = dataclasses.replace(here, compose=file)
    return open_network(job, settings, lambda line: None)


def test_an_appliance_that_dies_is_an_error_and_its_link_is_not_clean(
    here: Settings, job: Job
) -> None:
    with open_network(job, here, lambda line: None) as network:
        if network.link_by != "appliance":
            pytest.skip("this kernel has netem itself, so there is no appliance")
        network.tc("client", ("qdisc", "replace", "dev", "eth0", "root", "netem"))
        argv = ["python3", "-m", "echo_app.datagram_client"]
        assert network.start("client", argv).wait(20).status == 0
        output_of(network.api, network.links["client"].id, ["python3", "-c", END_APPLIANCE])
        began = time.monotonic()
        with pytest.raises(CannotRun, match="the link of client broke: the appliance's kernel"):
            network.sleep(20)
        assert time.monotonic() - began < 10
        client = network.containers["client"]
        assert output_of(network.api, client, argv)[0] != 0
        for call in (network.captures, lambda: network.start("client", ["true"])):
            with pytest.raises(CannotRun, match="the link of client broke"):
                call()


def test_a_link_container_that_is_killed_is_an_error(here: Settings, job: Job) -> None:
    with open_network(job, here, lambda line: None) as network:
        program = network.start("client", ["sleep", "60"])
        network.api.kill(network.links["client"].id)
        with pytest.raises(CannotRun, match="the link of client broke"):
            program.wait(20)


def test_tc_tells_its_own_words(network: ContainerNetwork) -> None:
    with pytest.raises(CannotRun, match='What is "nonsense"'):
        network.tc("client", ("qdisc", "replace", "dev", "eth0", "root", "netem", "nonsense"))


def test_an_absent_daemon_is_one_line_and_status_4() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "echolab", "run", "loss", "--engine", "docker"],
        cwd=resources.ROOT,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "no Docker daemon answers" in done.stderr
    assert "systemctl start docker" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_compose_refuses_is_bad_input(
    api: Api, apart: Settings, tmp_path: Path
) -> None:
    document = {"services": {"a": {"image": "echolab-host", "comand": ["sleep", "9"]}}}
    with pytest.raises(BadInput, match="comand"):
        open_file(apart, tmp_path, document)
    assert left(api, apart) == []


def test_a_host_that_ends_at_once_is_told_with_its_last_words(
    api: Api, apart: Settings, tmp_path: Path
) -> None:
    command = ["sh", "-c", "echo no such luck >&2; exit 7"]
    document = {"services": {"a": {"image": "echolab-host", "command": command}}}
    with pytest.raises(CannotRun, match="a ended at once with status 7: no such luck"):
        open_file(apart, tmp_path, document)
    assert left(api, apart) == []


def test_a_port_in_use_is_told_with_a_remedy(api: Api, apart: Settings, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        service = {"image": "echolab-host", "ports": [f"{port}:7"]}
        with pytest.raises(CannotRun, match="end what uses that port"):
            open_file(apart, tmp_path, {"services": {"a": service}})
    assert left(api, apart) == []


def test_networks_that_overlap_are_told_with_a_remedy(
    api: Api, apart: Settings, tmp_path: Path
) -> None:
    service = {"image": "echolab-host", "networks": ["a", "b"]}
    wide, narrow = "198.18.0.0/16", "198.18.7.0/24"
    networks = {
        name: {"ipam": {"config": [{"subnet": subnet}]}}
        for name, subnet in (("a", wide), ("b", narrow))
    }
    with pytest.raises(CannotRun, match=r"overlaps .* choose another 'subnet'"):
        open_file(apart, tmp_path, {"services": {"a": service}, "networks": networks})
    assert left(api, apart) == []


def test_an_image_that_cannot_be_pulled_is_told_with_a_remedy(
    api: Api, apart: Settings, tmp_path: Path
) -> None:
    image = "registry.invalid/shop:1"  # RFC 6761: no such host anywhere
    with pytest.raises(CannotRun, match=r"registry\.invalid.*docker load"):
        open_file(apart, tmp_path, {"services": {"a": {"image": image}}})
    assert left(api, apart) == []


def test_an_address_that_the_gateway_has_is_told_with_a_remedy(
    api: Api, apart: Settings, tmp_path: Path
) -> None:
    service = {"image": "echolab-host", "networks": {"a": {"ipv4_address": "198.18.0.1"}}}
    ipam = {"config": [{"subnet": "198.18.0.0/24", "gateway": "198.18.0.1"}]}
    with pytest.raises(CannotRun, match="ipv4_address"):
        open_file(apart, tmp_path, {"services": {"a": service}, "networks": {"a": {"ipam": ipam}}})
    assert left(api, apart) == []


def test_a_full_disk_is_told_with_a_remedy(here: Settings, job: Job) -> None:
    job = dataclasses.replace(job, capture=True)
    with open_network(job, here, lambda line: None) as network:
        kept = network.links["client"].ask("finish")["files"][0]["after-link"]
        with pytest.raises(CannotRun, match="cannot write /dev/full: No space left on device"):
            network.links["client"].fetch(kept["path"], kept["size"], Path("/dev/full"))
    assert "make room" in remedy("write /var/lib/docker/x: no space left on device")


def test_copies_of_a_service_each_have_a_name(here: Settings, tmp_path: Path) -> None:
    web = {"image": "echolab-host", "command": ["sleep", "infinity"], "scale": 2}
    user = {"image": "echolab-host", "x-echolab": "idle", "depends_on": ["web"]}
    ask = "import socket; print(socket.gethostbyname('web-1'), socket.gethostbyname('web-2'))"
    with open_file(here, tmp_path, {"services": {"web": web, "user": user}}) as network:
        said = network.start("user", ["python3", "-c", ask]).wait(20).stdout.split()
        assert said == [network.addresses[name].ip for name in ("web-1", "web-2")]
