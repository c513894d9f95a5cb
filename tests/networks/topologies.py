"""Twelve labs of networks as Compose files, and what must be seen of each on every engine."""

from __future__ import annotations

import dataclasses
import json
from typing import Any


def host(networks: Any, *routes: str, forward: bool = False) -> dict[str, Any]:
    """A service that makes its routes (`ip` without the word) and then serves."""
    lines = [f"ip {route}" for route in routes]
    last = "exec python3 -m echo_app.server"
    service: dict[str, Any] = {
        "image": "echolab-host",
        "user": "root",
        "cap_add": ["NET_ADMIN"],
        "command": ["sh", "-c", " && ".join([*lines, last])],
        "networks": networks,
        "healthcheck": {"test": ["CMD", "python3", "-m", "echo_app.health"]},
    }
    if forward:
        # Otherwise a router that has sent a redirect does not answer traces for a second.
        service["sysctls"] = {"net.ipv4.ip_forward": 1, "net.ipv4.icmp_ratelimit": 0}
    return service


def idle(networks: Any) -> dict[str, Any]:
    """A service that scenarios drive."""
    return {"image": "echolab-host", "x-echolab": "idle", "networks": networks}


def subnet(text: str, **more: Any) -> dict[str, Any]:
    """A network with one subnet."""
    return {"ipam": {"config": [{"subnet": text}]}, **more}


def at(**addresses: str) -> dict[str, Any]:
    """Networks, each with a host's address there."""
    return {network: {"ipv4_address": address} for network, address in addresses.items()}


@dataclasses.dataclass(frozen=True)
class Case:
    """A lab: `of` look at `targets` and `names`; `host` is shaped on `network`, toward `to`.

    `ways` are paths that must be seen: from a host, to a host's address, by these.
    """

    name: str
    file: dict[str, Any]
    of: str
    targets: str
    names: str = ""
    ways: tuple[tuple[str, str, tuple[str, ...] | None], ...] = ()
    host: str = ""
    network: str = ""
    to: str = ""

    def text(self) -> str:
        """The Compose file: JSON is YAML."""
        return json.dumps(self.file)


def chain() -> dict[str, Any]:
    """Three routers in a row, a host at each end."""
    far = "route add 10.66.4.0/24 via"
    near = "route add 10.66.1.0/24 via"
    return {
        "services": {
            "left": host(at(n1="10.66.1.10"), "route replace default via 10.66.1.2"),
            "r1": host(at(n1="10.66.1.2", n2="10.66.2.2"), f"{far} 10.66.2.3", forward=True),
            "r2": host(
                at(n2="10.66.2.3", n3="10.66.3.3"),
                f"{far} 10.66.3.4",
                f"{near} 10.66.2.2",
                forward=True,
            ),
            "r3": host(at(n3="10.66.3.4", n4="10.66.4.4"), f"{near} 10.66.3.3", forward=True),
            "right": host(
                at(n4="10.66.4.10"), "route del default", "route add default via 10.66.4.4"
            ),
        },
        "networks": {f"n{n}": subnet(f"10.66.{n}.0/24") for n in (1, 2, 3, 4)},
    }


def star() -> dict[str, Any]:
    """Four networks around one router."""
    arms = ("a", "b", "c", "d")
    leaves = {
        f"leaf-{arm}": host(at(**{arm: f"10.67.{n}.10"}), f"route replace default via 10.67.{n}.2")
        for n, arm in enumerate(arms, start=1)
    }
    centre = at(**{arm: f"10.67.{n}.2" for n, arm in enumerate(arms, start=1)})
    return {
        "services": {"centre": host(centre, forward=True), **leaves},
        "networks": {arm: subnet(f"10.67.{n}.0/24") for n, arm in enumerate(arms, start=1)},
    }


def ring() -> dict[str, Any]:
    """Four routers in a ring; packets go round it in one direction."""
    services, networks = {}, {}
    for n in range(4):
        networks[f"n{n}"] = subnet(f"10.68.{n}.0/24")
    for n in range(4):
        before, after = n, (n + 1) % 4
        ways = at(**{f"n{before}": f"10.68.{before}.3", f"n{after}": f"10.68.{after}.2"})
        routes = [
            f"route add 10.68.{other}.0/24 via 10.68.{after}.3"
            for other in range(4)
            if other not in (before, after)
        ]
        services[f"r{n}"] = host(ways, *routes, forward=True)
    return {"services": services, "networks": networks}


def routed_six() -> dict[str, Any]:
    """A router between two networks with both families."""
    prefix = {"a": "fd66:a::", "b": "fd66:b::"}

    def way(network: str, number: int) -> dict[str, Any]:
        third = 1 if network == "a" else 2
        return {
            "ipv4_address": f"10.69.{third}.{number}",
            "ipv6_address": f"{prefix[network]}{number}",
        }

    def both(network: str, third: int) -> dict[str, Any]:
        pools = [{"subnet": f"10.69.{third}.0/24"}, {"subnet": f"{prefix[network]}/64"}]
        return {"enable_ipv6": True, "ipam": {"config": pools}}

    router = host({"a": way("a", 5), "b": way("b", 5)}, forward=True)
    router["sysctls"]["net.ipv6.conf.all.forwarding"] = 1
    return {
        "services": {
            "left": host(
                {"a": way("a", 10)},
                "route add 10.69.2.0/24 via 10.69.1.5",
                "-6 route add fd66:b::/64 via fd66:a::5",
            ),
            "middle": router,
            "right": host(
                {"b": way("b", 10)},
                "route add 10.69.1.0/24 via 10.69.2.5",
                "-6 route add fd66:a::/64 via fd66:b::5",
            ),
        },
        "networks": {"a": both("a", 1), "b": both("b", 2)},
    }


def nat() -> dict[str, Any]:
    """A router that hides the network behind it; the other side has no route back."""
    router = host(
        at(inside="10.71.1.2", outside="10.71.2.2"),
        forward=True,
    )
    rules = "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100 ; }; "
    rules += "add rule ip nat out ip saddr 10.71.1.0/24 masquerade"
    router["command"] = ["sh", "-c", f"nft '{rules}' && exec python3 -m echo_app.server"]
    return {
        "services": {
            "client": host(at(inside="10.71.1.10"), "route replace default via 10.71.1.2"),
            "router": router,
            "server": host(at(outside="10.71.2.10")),
        },
        "networks": {
            "inside": subnet("10.71.1.0/24"),
            "outside": subnet("10.71.2.0/24", internal=True),
        },
    }


def pair(**network: Any) -> dict[str, Any]:
    """A client and a server on one network."""
    return {
        "services": {"server": host(["n"]), "client": idle(["n"])},
        "networks": {"n": network},
    }


CASES = (
    Case(
        "chain",
        chain(),
        "left,right",
        "left,r2,right",
        ways=(("left", "right.n4", ("r1.n1", "r2.n2", "r3.n3")), ("left", "left.n1", ())),
        host="r2",
        network="n3",
        to="right",
    ),
    Case(
        "star",
        star(),
        "leaf-a,leaf-d",
        "leaf-a,leaf-b,leaf-c,leaf-d",
        ways=(("leaf-a", "leaf-d.d", ("centre.a",)),),
        host="leaf-a",
        to="leaf-c",
    ),
    Case(
        "ring",
        ring(),
        "r0,r2",
        "r0,r1,r2,r3",
        ways=(("r0", "r2.n3", ("r1.n1",)), ("r0", "r1.n1", ())),
        host="r0",
        to="r2",
    ),
    Case(
        "dual-homed",
        {
            "services": {
                "server": host({"a": {"aliases": ["alpha"]}, "b": {"aliases": ["beta"]}}),
                "ca": idle(["a"]),
                "cb": idle(["b"]),
            },
            "networks": {"a": {"internal": True}, "b": {"internal": True}},
        },
        "ca,cb,server",
        "server",
        "alpha,beta",
        host="ca",
        to="server",
    ),
    Case(
        "dual-stack",
        pair(enable_ipv6=True, **subnet("fd66::/64")),
        "client",
        "server",
        ways=(("client", "server.n", ()), ("client", "server.n.6", ())),
        host="client",
        to="server",
    ),
    Case(
        "routed-dual-stack",
        routed_six(),
        "left",
        "right",
        host="left",
        to="right",
        ways=(("left", "right.b", ("middle.a",)), ("left", "right.b.6", ("middle.a.6",))),
    ),
    Case(
        "replicas",
        {
            "services": {
                "server": {**host(["n"]), "deploy": {"replicas": 10}},
                "client": idle(["n"]),
            },
            "networks": {"n": {}},
        },
        "client",
        "server-1,server-10",
        "server",
        host="client",
        to="server-7",
    ),
    Case(
        "mtu-1280",
        pair(driver_opts={"com.docker.network.driver.mtu": "1280"}),
        "client",
        "server",
        host="client",
        to="server",
    ),
    Case(
        "mtu-9000",
        pair(driver_opts={"com.docker.network.driver.mtu": "9000"}),
        "client",
        "server",
        host="client",
        to="server",
    ),
    Case(
        "nat",
        nat(),
        "client",
        "server",
        host="client",
        to="server",
        ways=(("client", "server.outside", ("router.inside",)),),
    ),
    Case(
        "names",
        {
            "services": {
                "web": {
                    **host({"n": {"aliases": ["shop", "api.internal"]}}),
                    "hostname": "www",
                    "domainname": "example.test",
                    "extra_hosts": ["outside.test:192.0.2.9"],
                },
                "client": {
                    **idle(["n"]),
                    "links": ["web:linked"],
                    "extra_hosts": ["gone.test:192.0.2.8"],
                },
            },
            "networks": {"n": {"internal": True}},
        },
        "web,client",
        "web",
        "shop,api.internal,linked,www,outside.test,gone.test",
        host="client",
        to="web",
    ),
    Case(
        "shared-and-lonely",
        {
            "services": {
                "server": host(["n"]),
                "side": {
                    "image": "echolab-host",
                    "x-echolab": "idle",
                    "network_mode": "service:server",
                },
                "lonely": {"image": "echolab-host", "x-echolab": "idle", "network_mode": "none"},
                "client": idle(["n"]),
            },
            "networks": {"n": {"name": "fixed-name", "internal": True}},
        },
        "client,side",
        "server",
        host="client",
        to="server",
    ),
)
