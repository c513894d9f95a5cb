"""What programs of routers and servers ask of a kernel, the guest's has."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import echolab
from echolab.engines.exact import engine
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact

COMPOSE = """
services:
  server:
    image: echolab-host
    x-echolab: idle
    user: "0"
    cap_add: [NET_ADMIN]
    sysctls: {net.ipv4.tcp_syncookies: 0}
  client:
    image: echolab-host
    x-echolab: idle
"""

QUEUE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
opened = libc.mq_open(b"/lab", os.O_CREAT | os.O_RDWR, 0o600, None)
assert opened >= 0, os.strerror(ctypes.get_errno())
assert libc.mq_send(opened, b"word", 4, 1) == 0
room = ctypes.create_string_buffer(8192)
length = libc.mq_receive(opened, room, len(room), None)
print(room.raw[:length].decode())
"""

CONNECTIONS = """
import socket, struct
NETLINK_NETFILTER, GET, DUMP_REQUEST, DONE, NEW = 12, 0x101, 0x301, 3, 0x100
asked = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
asked.bind((0, 1 << 0))  # the group of new connections: conntrack -E
asked.send(struct.pack("=IHHIIBBH", 20, GET, DUMP_REQUEST, 1, 0, 0, 0, 0))
told = struct.unpack_from("=IHHII", asked.recv(65536))[1]
print("listed" if told in (DONE, NEW) else "refused")
"""

RULES = (
    "-A FORWARD -m addrtype --dst-type LOCAL -j LOG --log-prefix lab",
    "-A FORWARD -p tcp --syn -m connlimit --connlimit-above 5 -j REJECT",
    "-A FORWARD -m recent --name lab --set -j NFQUEUE --queue-num 1",
    "-A FORWARD -m hashlimit --hashlimit-upto 5/s --hashlimit-name lab -j NFLOG",
    "-A OUTPUT -m owner --uid-owner 0 -m length --length 0:1500 -j ACCEPT",
    "-A FORWARD -m string --algo bm --string lab -m ttl --ttl-lt 5 -j DROP",
    "-t mangle -A FORWARD -m conntrack --ctstate NEW -j CONNMARK --set-mark 1",
    "-t raw -A PREROUTING -m mac --mac-source 02:00:00:00:00:01 -j DROP",
)
"""Rules of iptables(8), as routers and packet filters have them."""

DEVICES = (
    "vrf table 10",
    "macvlan link eth0",
    "bridge vlan_filtering 1",
)
"""Kinds of devices, as `ip link add NAME type` takes them; `link` goes before the name."""

RED = "red limit 60000 min 5000 max 15000 avpkt 1000 burst 10 bandwidth 10mbit"

QUEUES = ("cake bandwidth 1mbit", "codel", "drr", "hfsc", "pie", "sfq", RED)

CONGESTION = {"bbr", "bic", "cubic", "dctcp", "htcp", "illinois", "reno", "vegas", "westwood"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[echolab.Lab]:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    compose = tmp_path_factory.mktemp("kernel") / "compose.yaml"
    compose.write_text(COMPOSE)
    with echolab.open("exact", compose=compose, seed=1) as opened:
        yield opened


def setting(lab: echolab.Lab, host: str, name: str) -> str:
    """A setting of sysctl(8) as that host has it."""
    return lab.run(host, ["cat", f"/proc/sys/{name}"]).stdout.strip()


def test_connections_are_taken_by_syn_cookies_unless_the_file_says_otherwise(
    lab: echolab.Lab,
) -> None:
    assert setting(lab, "client", "net/ipv4/tcp_syncookies") == "1"
    assert setting(lab, "server", "net/ipv4/tcp_syncookies") == "0"


def test_a_program_sends_itself_a_message_by_a_queue(lab: echolab.Lab) -> None:
    assert lab.run("client", ["python3", "-c", QUEUE]).stdout == "word\n"


def test_connections_can_be_listed_and_watched(lab: echolab.Lab) -> None:
    assert lab.run("server", ["python3", "-c", CONNECTIONS]).stdout == "listed\n"


@pytest.mark.parametrize("rule", RULES)
def test_a_packet_filter_takes_the_rule(lab: echolab.Lab, rule: str) -> None:
    run = lab.run("server", ["iptables", *rule.split()])
    assert run.status == 0, run.stderr


@pytest.mark.parametrize("kind", DEVICES)
def test_a_host_makes_a_device(lab: echolab.Lab, kind: str) -> None:
    name, *rest = kind.split()
    before = rest[:2] if rest[:1] == ["link"] else []
    words = ["ip", "link", "add", *before, "made", "type", name, *rest[len(before) :]]
    run = lab.run("server", words)
    assert run.status == 0, run.stderr
    lab.run("server", ["ip", "link", "delete", "made"])


@pytest.mark.parametrize("queue", QUEUES)
def test_a_device_has_the_queue(lab: echolab.Lab, queue: str) -> None:
    run = lab.run("server", ["tc", "qdisc", "replace", "dev", "lo", "root", *queue.split()])
    assert run.status == 0, run.stderr


def test_tcp_has_the_algorithms_that_courses_compare(lab: echolab.Lab) -> None:
    known = setting(lab, "client", "net/ipv4/tcp_available_congestion_control")
    assert set(known.split()) == CONGESTION
    assert setting(lab, "client", "net/ipv4/tcp_congestion_control") == "cubic"
