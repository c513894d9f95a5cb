"""Which addresses, gateways and names hosts have: values only."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.engines.namespaces.addressing import Plan, plan
from echolab.engines.namespaces.names import host_names, hosts_files, several_addresses
from echolab.errors import BadInput
from echolab.topology import Attachment, Host, Network, Topology


def way(network: str, ip: str = "", *aliases: str, ip6: str = "") -> Attachment:
    return Attachment(network, aliases, ip, ip6)


def lab(*networks: Network, **hosts: tuple[Attachment, ...]) -> Topology:
    return Topology(tuple(Host(name, networks=ways) for name, ways in hosts.items()), networks)


def ips(found: Plan, host: str) -> list[str]:
    return [one.address.ip for one in found.interfaces[host]]


def test_the_lab_of_one_network_is_as_it_ever_was() -> None:
    found = plan(Topology((Host("server"), Host("client"))))
    assert [address.ip for address in found.addresses().values()] == ["10.7.0.1", "10.7.0.2"]
    assert found.addresses()["server"].mac == "02:07:5a:6d:d5:f6"
    assert found.routes == {} and found.segments[0].gateway == ""


def test_each_network_of_ours_is_another_one_and_none_of_the_files() -> None:
    a, b, c = Network("a", ("10.8.0.0/15",)), Network("b"), Network("c", ipv6=True)
    found = plan(lab(a, b, c, x=(way("a"), way("b"), way("c"))))
    assert ips(found, "x") == ["10.8.0.2", "10.7.0.1", "10.10.0.1"]
    assert [one.device for one in found.interfaces["x"]] == ["eth0", "eth1", "eth2"]
    assert found.interfaces["x"][2].address.ip6 == "fd07::1"
    assert found.routes == {"x": "10.8.0.1"}
    assert len({one.address.mac for one in found.interfaces["x"]}) == 3


def test_others_get_what_the_file_leaves_them() -> None:
    n = Network("n", ("10.5.0.0/24",), ("10.5.0.3",), reserved=("10.5.0.1",))
    found = plan(lab(n, a=(way("n"),), b=(way("n", "10.5.0.2"),), c=(way("n"),)))
    assert [ips(found, host) for host in "abc"] == [["10.5.0.4"], ["10.5.0.2"], ["10.5.0.5"]]


def test_a_range_is_where_addresses_are_given_out() -> None:
    n = Network("n", ("10.5.0.0/16",), ranges=("10.5.7.0/28",))
    found = plan(lab(n, a=(way("n"),), b=(way("n", "10.5.0.9"),)))
    assert ips(found, "a") == ["10.5.7.1"] and found.segments[0].gateway == "10.5.7.0"
    assert ips(found, "b") == ["10.5.0.9"]


@pytest.mark.parametrize(
    ("network", "hosts", "said"),
    [
        (Network("n"), {"a": "10.5.0.2"}, "a asks for 10.5.0.2, but the network has no subnet"),
        (Network("n", ("10.6.0.0/16",)), {"a": "10.5.0.2"}, "10.5.0.2 of a is not in its subnet"),
        (
            Network("n", ("10.5.0.0/16",)),
            {"a": "10.5.0.2", "b": "10.5.0.2"},
            "b and a have the address 10.5.0.2",
        ),
        (
            Network("n", ("10.5.0.0/16",)),
            {"a": "10.5.0.1"},
            "a and the network itself have the address 10.5.0.1",
        ),
        (
            Network("n", ("10.5.0.0/30",)),
            {"a": "", "b": ""},
            "network n has no address left for b; give it a wider subnet",
        ),
        (Network("n", ("10.5.0.0/31",)), {"a": ""}, "10.5.0.0/31 has no room for hosts"),
        (
            Network("n", ("10.5.0.0/16",), ("10.9.0.1",)),
            {"a": ""},
            "the gateway 10.9.0.1 of network n is not in its subnet",
        ),
    ],
)
def test_addresses_that_do_not_fit_are_refused(
    network: Network, hosts: dict[str, str], said: str
) -> None:
    ways = {name: (way("n", ip),) for name, ip in hosts.items()}
    with pytest.raises(BadInput) as caught:
        plan(lab(network, **ways))
    assert said in str(caught.value)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.integers(16, 24),
    st.booleans(),
)
def test_no_address_is_given_twice_or_outside_of_its_subnet(
    members: list[int], prefix: int, named: bool
) -> None:
    networks = [
        Network(f"n{n}", (f"10.{100 + n}.0.0/{prefix}",) if named else (), ipv6=True)
        for n in range(len(members))
    ]
    hosts = {
        f"h{number}": tuple(way(f"n{n}") for n, most in enumerate(members) if number < most)
        for number in range(max(members))
    }
    found = plan(lab(*networks, **hosts))
    ways = [one for every in found.interfaces.values() for one in every]
    every = [ip for one in ways for ip in one.address.all()]
    assert len(set(every)) == len(every) == 2 * sum(members)
    for one in ways:
        four = found.segment(one.network).four
        assert four is not None and four.has(int(ipaddress.ip_address(one.address.ip)))


def test_a_host_that_shares_a_network_has_that_ones_devices() -> None:
    hosts = (Host("db"), Host("side", networks=(), shares="db"), Host("alone", networks=()))
    found = plan(Topology(hosts))
    assert found.interfaces["side"] == found.interfaces["db"]
    assert found.interfaces["alone"] == () and found.addresses()["alone"].ip == ""


def test_a_network_cannot_be_shared_twice_over() -> None:
    hosts = (Host("a"), Host("b", networks=(), shares="a"), Host("c", networks=(), shares="b"))
    with pytest.raises(BadInput, match="write 'network_mode: service:a'"):
        plan(Topology(hosts))


# --- names


def test_a_lab_of_one_network_has_the_same_names_everywhere() -> None:
    found = Topology((Host("server"), Host("client")))
    files = hosts_files(found, plan(found).interfaces)
    assert files["client"] == files["server"] and not several_addresses(files)
    assert files["client"].splitlines() == [
        "127.0.0.1 localhost",
        "::1 localhost",
        "10.7.0.1 server",
        "10.7.0.2 client",
    ]


def test_a_name_means_the_addresses_on_networks_that_both_are_on() -> None:
    found = lab(
        Network("a"),
        Network("b"),
        s=(way("a", "", "shop"), way("b")),
        ca=(way("a"),),
        cb=(way("b"),),
    )
    texts = hosts_files(found, plan(found).interfaces)
    files = {host: text.splitlines()[2:] for host, text in texts.items()}
    assert files["ca"] == ["10.7.0.1 s shop", "10.7.0.2 ca"]
    assert files["cb"] == ["10.8.0.1 s", "10.8.0.2 cb"]
    assert files["s"] == ["10.7.0.1 s shop", "10.7.0.2 ca", "10.8.0.2 cb"]
    assert not several_addresses(texts)


def test_a_name_of_several_replicas_means_all_of_them() -> None:
    hosts = {f"web-{n}": (way("n", "", "web"),) for n in (1, 2)}
    found = lab(Network("n", ipv6=True), **hosts)
    texts = hosts_files(found, plan(found).interfaces)
    assert texts["web-1"].splitlines()[2:] == [
        "10.7.0.1 web-1 web",
        "fd07::1 web-1 web",
        "10.7.0.2 web-2 web",
        "fd07::2 web-2 web",
    ]
    assert several_addresses(texts)


def test_own_names_links_and_extra_hosts_are_the_hosts_own() -> None:
    web = Host("web", hostname="www", domainname="test", extra_hosts={"out": ("192.0.2.1",)})
    user = Host("user", links=(("web", "linked"),))
    side = Host("side", networks=(), shares="web")
    found = Topology((web, user, side))
    files = hosts_files(found, plan(found).interfaces)
    assert "10.7.0.1 www.test www\n" in files["web"] and "192.0.2.1 out\n" in files["web"]
    assert "10.7.0.1 web linked\n" in files["user"] and "www" not in files["user"]
    assert files["side"] == files["web"]
    assert host_names(found) == {"web": "www", "user": "user", "side": "www"}
