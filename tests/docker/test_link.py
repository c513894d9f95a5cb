"""The link does what it was told, on whichever kernel shapes it here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from echolab import traffic
from echolab.engines.docker.network import ContainerNetwork
from echolab.judge.binomial import two_sided
from echolab.judge.verdicts import FALSE_ALARM
from echolab.link import Link, differences
from echolab.record.probe import Probe
from echolab.record.probe_events import read_probe
from echolab.tc import Qdisc, qdiscs

pytestmark = pytest.mark.alone


def shape(network: ContainerNetwork, host: str, link: Link) -> None:
    addresses = {name: (address.ip,) for name, address in network.addresses.items()}
    for arguments in traffic.render((link,), addresses):
        network.tc(host, arguments)


def queues(network: ContainerNetwork, host: str) -> Sequence[Qdisc]:
    return qdiscs(network.tc(host, ("-s", "-j", "qdisc", "show", "dev", "eth0")))


def probe(
    network: ContainerNetwork,
    count: int,
    interval: float = 0.005,
    *,
    of: str = "client",
    to: str = "server",
) -> Probe:
    words = ["--protocol", "udp", "--count", str(count), "--interval", str(interval)]
    argv = ["python3", "-m", "echo_app.probe", to, *words, "--size", "64", "--timeout", "2"]
    done = network.start(of, argv).wait(120)
    assert done.status == 0, done.stderr
    return read_probe(of, done.stdout.splitlines(), done.started)


@pytest.fixture(autouse=True)
def clean(network: ContainerNetwork) -> Iterator[None]:
    """Each test begins with links that stand where they will shape, and shape nothing."""
    for host in network.containers:
        shape(network, host, Link())
    yield


def test_the_kernel_reads_back_what_was_asked(network: ContainerNetwork) -> None:
    asked = Link(delay=0.05, jitter=0.01, loss=0.1, duplicate=0.02, rate=1e7)
    shape(network, "client", asked)
    found = traffic.read_back(queues(network, "client"), traffic.layout((asked,), {}))
    assert differences(asked, found[None]) == ()


def test_a_delay_of_50_ms_adds_50_ms(network: ContainerNetwork) -> None:
    before = probe(network, 200).median
    shape(network, "client", Link(delay=0.05))
    after = probe(network, 200).median
    assert before is not None and after is not None
    assert after - before == pytest.approx(0.05, abs=1e-3)


def test_a_loss_of_10_percent_is_10_percent(network: ContainerNetwork) -> None:
    shape(network, "client", Link(loss=0.1))
    seen = probe(network, 2000, 0.002)
    lost = seen.lost + seen.late
    assert two_sided(lost, 2000, 0.1) >= FALSE_ALARM, lost
    assert lost == sum(queue.dropped for queue in queues(network, "client"))


def test_duplicates_arrive(network: ContainerNetwork) -> None:
    shape(network, "client", Link(duplicate=0.2))
    seen = probe(network, 500)
    assert two_sided(seen.duplicated, 500, 0.2) >= FALSE_ALARM, seen.duplicated
    assert seen.lost == 0


def test_datagrams_overtake(network: ContainerNetwork) -> None:
    shape(network, "client", Link(delay=0.02, reorder=0.2))
    seen = probe(network, 500)
    assert seen.out_of_order > 0
    assert seen.lost == 0


def test_a_clean_link_loses_nothing(network: ContainerNetwork) -> None:
    seen = probe(network, 2000, 0.002)
    assert (seen.delivered, seen.lost, seen.duplicated, seen.out_of_order) == (2000, 0, 0, 0)


def test_a_host_that_is_not_shaped_is_not_affected(network: ContainerNetwork) -> None:
    """What the client's link loses are packets that the client sends, and no others."""
    shape(network, "client", Link(loss=1.0))
    server = "import socket; s = socket.socket(2, 2); s.bind(('', 9009)); s.settimeout(2)\n"
    server += "for _ in range(200): s.recv(100)\nprint('all')"
    receiver = network.start("client", ["python3", "-c", server])
    sender = "import socket, sys, time\ns = socket.socket(2, 2)\ntime.sleep(0.5)\n"
    sender += "for _ in range(200): s.sendto(b'x', (sys.argv[1], 9009)); time.sleep(0.001)"
    address = network.addresses["client"].ip
    assert network.start("server", ["python3", "-c", sender, address]).wait(20).status == 0
    assert receiver.wait(20).stdout == "all\n"


def test_the_third_packet_dies_and_no_other(network: ContainerNetwork) -> None:
    shape(network, "client", Link(drop=(3,)))
    seen = probe(network, 20, 0.01)
    lost = [exchange.number for exchange in seen.exchanges if exchange.received is None]
    network.tc("client", ("filter", "del", "dev", "eth0", "egress", "pref", "100"))
    assert len(lost) == 1, lost
    assert seen.lost == 1


def test_counters_can_be_read_and_agree(network: ContainerNetwork) -> None:
    """What the client's kernel handed to its link, less what died there, left its device."""

    def counters() -> tuple[int, int]:
        dev = network.read("client", "/proc/net/dev")
        # The name of the server is asked for over the loopback device.
        sent = sum(
            int(line.split()[10]) for line in dev.splitlines() if "eth0:" in line or "lo:" in line
        )
        names, values = (
            line.split()
            for line in network.read("client", "/proc/net/snmp").splitlines()
            if line.startswith("Ip:")
        )
        return int(dict(zip(names, values, strict=True))["OutRequests"]), sent

    shape(network, "client", Link(loss=0.3))
    dropped = sum(queue.dropped for queue in queues(network, "client"))
    before = counters()
    probe(network, 300, 0.002)
    after = counters()
    dropped = sum(queue.dropped for queue in queues(network, "client")) - dropped
    assert after[0] - before[0] - dropped == after[1] - before[1]
