"""A host is a container with an ordinary user, no capability, and /tmp alone to write to."""

from __future__ import annotations

from collections.abc import Callable

from testinfra.host import Host

from echolab.engines.docker.attach import Api
from echolab.engines.docker.network import ContainerNetwork

RESOLVER = "127.0.0.11"
"""Docker's own name server answers in every container at this address."""

Beside = Callable[[str], Host]


def status_of(host: Host, program: int | str) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    lines = host.file(f"/proc/{program}/status").content_string.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def listening(host: Host) -> set[str]:
    found: set[str] = set(host.socket.get_listening_sockets())
    return {address for address in found if RESOLVER not in address}


def test_programs_run_as_an_ordinary_user(host: Host) -> None:
    assert host.check_output("id -u") == "10007"
    assert host.check_output("id -g") == "10007"
    assert status_of(host, 1)["Uid"].split() == ["10007"] * 4


def test_programs_have_no_capability_and_gain_none(host: Host) -> None:
    status = status_of(host, "self")
    sets = {name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
    assert not any(sets.values()), sets
    assert status["NoNewPrivs"] == "1"


def test_programs_can_write_to_tmp_and_not_to_the_labs_files(host: Host) -> None:
    assert host.run("touch /opt/echolab/mine").rc != 0
    assert host.run("touch /usr/bin/mine").rc != 0
    assert host.run("touch /tmp/mine").rc == 0


def test_the_server_listens_on_the_echo_port_and_nowhere_else(beside: Beside) -> None:
    assert beside("server").socket("tcp://0.0.0.0:7").is_listening
    assert listening(beside("server")) == {"tcp://0.0.0.0:7", "udp://0.0.0.0:7"}


def test_the_idle_client_listens_nowhere(beside: Beside) -> None:
    assert listening(beside("client")) == set()


def test_a_datagram_goes_round(client: Host) -> None:
    assert client.run("python3 -m echo_app.datagram_client").rc == 0


def test_the_lectures_sentence_comes_back(client: Host) -> None:
    assert client.check_output("python3 -m echo_app.stream_client") == (
        "Wir erschrecken zu guten Zwecken!"
    )


def test_the_server_has_a_name_on_the_client(client: Host, network: ContainerNetwork) -> None:
    asked = "import socket; print(socket.gethostbyname('server'))"
    assert client.check_output("python3 -c %s", asked) == network.addresses["server"].ip


def test_an_ordinary_user_may_serve_a_port_below_1024(server: Host) -> None:
    setting = server.file("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    assert setting.content_string.strip() == "0"


def test_the_network_leads_nowhere_else(api: Api, network: ContainerNetwork) -> None:
    (joined,) = api.inspect_container(network.containers["client"])["NetworkSettings"][
        "Networks"
    ].values()
    assert api.inspect_network(joined["NetworkID"])["Internal"] is True


def test_the_link_container_alone_may_change_the_network(beside: Beside) -> None:
    net_admin_and_net_raw = 1 << 12 | 1 << 13
    assert int(status_of(beside("client"), "self")["CapEff"], 16) == net_admin_and_net_raw


def test_one_frame_is_one_packet(beside: Beside) -> None:
    features = beside("client").check_output("ethtool -k eth0").splitlines()
    wanted = ("tcp-segmentation-offload", "generic-segmentation-offload", "tx-checksumming")
    assert [line for line in features if line.startswith(wanted) and ": on" in line] == []


def test_no_address_is_asked_for_while_measuring(beside: Beside, network: ContainerNetwork) -> None:
    known = beside("client").check_output("ip neighbour show").splitlines()
    there = network.addresses["server"]
    assert f"{there.ip} dev eth0 lladdr {there.mac} PERMANENT" in [line.strip() for line in known]
