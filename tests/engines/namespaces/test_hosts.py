"""Addresses, neighbours and accounts of hosts: values only."""

from __future__ import annotations

import dataclasses
import os
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.engines.contract import Address, version
from echolab.engines.namespaces import addressing, hosts, sandbox, spawn
from echolab.engines.namespaces.child import Start
from echolab.errors import BadInput
from echolab.topology import Host, Network, Topology

names = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True), unique=True, max_size=60)


def topology(found: list[str], *, ipv6: bool = False) -> Topology:
    return Topology(
        tuple(Host(name, idle=number > 0) for number, name in enumerate(found)),
        (Network("default", ipv6=ipv6),),
    )


def addresses_of(found: Topology) -> dict[str, Address]:
    return addressing.plan(found).addresses()


@given(names)
def test_every_host_has_an_address_of_its_own(found: list[str]) -> None:
    addresses = addresses_of(topology(found, ipv6=True)).values()
    for kind in ("ip", "ip6", "mac"):
        assert len({getattr(address, kind) for address in addresses}) == len(found)
    assert all(address.mac.startswith("02:") for address in addresses)


@given(names.filter(lambda found: len(found) > 1))
def test_adding_a_host_changes_no_others_hardware_address(found: list[str]) -> None:
    before = addresses_of(topology(found[1:]))
    after = addresses_of(topology(found))
    assert all(after[name].mac == before[name].mac for name in found[1:])


def test_addresses_stay_inside_their_network_for_a_thousand_hosts() -> None:
    found = addresses_of(topology([f"h{number}" for number in range(1000)]))
    parts = [tuple(map(int, address.ip.split("."))) for address in found.values()]
    assert all(part[:2] == (10, 7) and part[3] not in (0, 255) for part in parts)


def test_in_a_small_lab_everybody_knows_everybody() -> None:
    known = hosts.neighbours(topology(["a", "b", "c"]).hosts)
    assert known == {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}


def test_what_a_host_knows_in_advance_does_not_grow_with_the_lab() -> None:
    clients = tuple(Host(f"c{number}", idle=True) for number in range(300))
    known = hosts.neighbours((*clients, Host("server")))
    assert len(known["server"]) == 300
    assert all("server" in known[client.name] for client in clients)
    assert max(len(known[client.name]) for client in clients[hosts.KNOWN_HOSTS :]) <= 16


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", sandbox.Account(10007, 10007)),
        ("4242", sandbox.Account(4242, 4242)),
        ("1:2", sandbox.Account(1, 2)),
        ("root", sandbox.Account(0, 0)),
        ("nobody:lab", sandbox.Account(65534, 10007)),
    ],
)
def test_a_user_is_read_as_compose_writes_it(user: str, account: sandbox.Account) -> None:
    assert sandbox.account(Host("a", user=user), "compose.yaml") == account


def test_an_unknown_user_is_bad_input_that_says_where() -> None:
    with pytest.raises(BadInput, match=r"compose.yaml: a: there is no user 'bob'"):
        sandbox.account(Host("a", user="bob"), "compose.yaml")


def start(*argv: str, calls: str = "") -> Start:
    return Start("a", argv, {}, "/", sandbox.Account(), sandbox.Limits(), 40, calls)


def test_our_own_modules_and_texts_that_import_them_alone_run_in_a_forked_interpreter() -> None:
    text = "import json\nfrom echo_app import framing"
    assert start("python3", "-m", "echo_app.probe", "server").module() == "echo_app.probe"
    assert start("python3", "-c", text, "word").module() == f"-c\n{text}"
    for argv in (
        ("python3", "-c", "import json"),
        ("python3", "-c", "import echo_app\nimport numpy"),
        ("python3", "-m", "echo_app_evil.probe"),
        ("python3", "-c", "def f():\n    import numpy"),
        ("python3", "-c", "from . import mine"),
        ("python3", "-c", "1 +"),
        ("./python3", "-c", "pass"),
        ("./python3", "-m", "echo_app.probe"),
    ):
        assert start(*argv).module() == ""


def test_a_traced_module_is_executed_under_strace() -> None:
    traced = start("python3", "-m", "echo_app.probe", calls="/run/calls-1")
    assert traced.module() == ""
    assert traced.words()[0] == "strace" and traced.words()[-3:] == traced.argv


@pytest.mark.parametrize(
    ("release", "numbers"),
    [
        ("7.3.4", (7, 3)),
        ("7.3-rc1", (7, 3)),
        ("6.12.94+deb13-amd64", (6, 12)),
        ("6.18.44-fc-v782", (6, 18)),
        ("?", (0, 0)),
    ],
)
def test_a_kernels_version_is_the_first_two_numbers_of_its_release(
    release: str, numbers: tuple[int, int]
) -> None:
    assert version(release) == numbers


@pytest.mark.parametrize(
    ("release", "group", "can"),
    [("6.18.0", 5, True), ("7.3.4", 5, True), ("6.17.9", 5, False), ("7.3.4", -1, False)],
)
def test_a_program_is_started_without_a_fork_in_a_group_of_a_new_kernel_alone(
    release: str, group: int, can: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(release=release))
    assert spawn.possible(dataclasses.replace(start("true"), group=group)) is can
