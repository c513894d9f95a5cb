"""The hosts that are made of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab import resources
from echolab.compose.hosts import topology
from echolab.compose.read import read
from echolab.errors import BadInput
from echolab.topology import Attachment, Health, Host, Need, Network
from tests.compose.files import project

PORTS = {"net.ipv4.ip_unprivileged_port_start": "0"}


def test_the_lab_has_a_server_that_serves_and_a_client_that_scenarios_drive() -> None:
    lab = topology(read([resources.COMPOSE], {}))
    assert lab.hosts == (
        Host(
            "server",
            ("python3", "-m", "echo_app.server"),
            user="10007:10007",
            sysctls=PORTS,
            health=Health(("python3", "-m", "echo_app.health"), interval=1, timeout=5, retries=10),
        ),
        Host(
            "client",
            ("python3", "-m", "echo_app.stream_client"),
            user="10007:10007",
            idle=True,
            sysctls=PORTS,
        ),
    )
    assert lab.networks == (Network("default", internal=True),) and lab.file == str(
        resources.COMPOSE
    )


def test_a_client_that_runs_its_command_waits_for_what_it_depends_on() -> None:
    lab = topology(read([resources.COMPOSE], {}), idle=False)
    assert not lab.host("client").idle
    assert lab.host("client").needs == (Need("server", "service_healthy"),)


def test_a_service_is_as_many_hosts_as_it_has_replicas(tmp_path: Path) -> None:
    lab = topology(
        project(
            tmp_path,
            """
            services:
              a: {entrypoint: [run], command: [it], working_dir: /w, environment: {A: "1", B: }}
              b: {deploy: {replicas: 2}, x-echolab: idle}
              c: {scale: 0}
            networks: {default: {enable_ipv6: true}}
            """,
        )
    )
    assert lab.names() == ("a", "b-1", "b-2")
    assert lab.host("a") == Host("a", ("run", "it"), {"A": "1"}, workdir="/w")
    assert lab.host("b-2").idle and lab.networks[0].ipv6
    assert lab.host("b-2").networks == (Attachment("default", ("b",)),)


def test_networks_names_and_addresses_are_those_of_the_file(tmp_path: Path) -> None:
    lab = topology(
        project(
            tmp_path,
            """
            services:
              a:
                hostname: alpha
                domainname: test
                container_name: first
                mac_address: 02:AA:00:00:00:01
                cap_add: [CAP_NET_ADMIN]
                sysctls: [net.ipv4.ip_forward=1]
                extra_hosts: ["out:192.0.2.1"]
                networks:
                  x: {aliases: [shop], ipv4_address: 10.5.0.7}
                  w: {}
                  y: {priority: 9}
              b: {network_mode: none, links: ["a:other"]}
              c: {network_mode: "service:a"}
            networks:
              w: {internal: true}
              x:
                driver_opts: {com.docker.network.driver.mtu: "9000"}
                ipam: {config: [{subnet: 10.5.0.0/16, gateway: 10.5.0.1, ip_range: 10.5.1.0/24}]}
              y: {enable_ipv6: true}
              unused: {}
            """,
        )
    )
    a, b, c = lab.hosts
    assert [one.network for one in a.networks] == ["y", "w", "x"]
    assert a.networks[2] == Attachment("x", ("shop", "first", "alpha"), "10.5.0.7")
    assert a.networks[0].mac == "02:aa:00:00:00:01"
    assert (a.hostname, a.domainname, a.capabilities) == ("alpha", "test", ("NET_ADMIN",))
    assert a.sysctls == {"net.ipv4.ip_forward": "1"} and a.extra_hosts == {"out": ("192.0.2.1",)}
    assert (b.networks, b.links) == ((), (("a", "other"),))
    assert (c.networks, c.shares) == ((), "a")
    assert lab.networks == (
        Network("w", internal=True),
        Network("x", ("10.5.0.0/16",), ("10.5.0.1",), ("10.5.1.0/24",), mtu=9000),
        Network("y", ipv6=True),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {}", "has no hosts; name at least one below 'services'"),
        ("services: {a: {scale: 0}}", "has no hosts"),
        ("services: {a: {profiles: [p]}}", "has no hosts; set COMPOSE_PROFILES: a are in profiles"),
        ("services: {a: {scale: 2}, a-1: {}}", "two hosts are called 'a-1'; rename a service"),
        ("services: {a: {scale: 999}, b: {scale: 2}}", "has 1001 hosts; a lab has at most 1000"),
    ],
)
def test_a_lab_has_hosts_each_with_a_name_of_its_own(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        topology(project(tmp_path, text))
    assert said in str(caught.value)
