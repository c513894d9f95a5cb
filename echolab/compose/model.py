"""The values of a project, made from a document in canonical form."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from echolab.compose import units
from echolab.compose.interpolation import Lookup
from echolab.compose.project import (
    MTU_OPTION,
    Attachment,
    Build,
    Dependency,
    Device,
    FileSource,
    Grant,
    Healthcheck,
    Limit,
    Mount,
    Network,
    Pool,
    Port,
    Service,
    Volume,
)
from echolab.compose.tree import At, Items, Map, short

LARGEST_REPLICAS = 1000

RESTART = re.compile(r"no|always|unless-stopped|on-failure(:[0-9]+)?")


Value = TypeVar("Value")
Absent = TypeVar("Absent")


class Fields:
    """The keys of a mapping, each read as its type; a wrong value raises BadInput."""

    def __init__(self, node: Any, at: At) -> None:
        self.node: Map = node if isinstance(node, Map) else Map(place=at.place)
        self.point = at

    def at(self, key: str) -> At:
        """The point of a key in the tree."""
        return self.point.key(self.node, key)

    def inner(self, key: str) -> Fields:
        """The keys of the mapping below a key; none if it is absent."""
        return Fields(self.node.get(key), self.at(key))

    def each(self, key: str) -> list[tuple[str, Fields]]:
        """The mappings below a key, or in the list below it, with their names."""
        value = self.node.get(key)
        here = self.at(key)
        if isinstance(value, Map):
            return [(name, Fields(one, here.key(value, name))) for name, one in value.items()]
        if isinstance(value, Items):
            return [(str(n), Fields(one, here.key(value, n))) for n, one in enumerate(value)]
        return []

    def text(self, key: str) -> str | None:
        """A text."""
        value = self.node.get(key)
        return None if value is None else units.text(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.node.get(key)
        if isinstance(value, (Items, list)):
            return tuple(units.text(one) for one in value)
        return () if value is None or isinstance(value, Map) else (units.text(value),)

    def words(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, or None if it is absent."""
        return self.texts(key) if isinstance(self.node.get(key), list) else None

    def pairs(self, key: str) -> dict[str, str]:
        """A mapping of texts."""
        value = self.node.get(key)
        return {name: units.text(one) for name, one in value.items()} if value else {}

    def truth(self, key: str, implied: bool = False) -> bool:
        """A boolean."""
        return self._read(key, units.truth, implied, "write true or false")

    def seconds(self, key: str, implied: float) -> float:
        """A duration."""
        return self._read(key, units.seconds, implied, "write a number with its unit")

    def size(self, key: str) -> int | None:
        """A number of bytes."""
        return self._read(key, units.size, None, "write a number with its unit")

    def number(self, key: str) -> float | None:
        """A number."""
        return self._read(key, units.number, None, "write a number")

    def whole(self, key: str, least: int = 0, most: int = 2**63 - 1) -> int | None:
        """A whole number in a range."""
        return self._read(
            key,
            lambda value: units.whole(value, least, most),
            None,
            f"give a whole number from {least} to {most}",
        )

    def _read(
        self, key: str, read: Callable[[Any], Value], implied: Absent, remedy: str
    ) -> Value | Absent:
        value = self.node.get(key)
        if value is None:
            return implied
        try:
            return read(value)
        except units.NotValid as error:
            raise self.at(key).bad(str(error), remedy) from None


def service(name: str, node: Map, at: At) -> Service:
    """A service from its canonical mapping. Raises BadInput with the place."""
    of = Fields(node, at)
    deploy = of.inner("deploy")
    limits = deploy.inner("resources").inner("limits")
    memory, processors, processes = of.size("mem_limit"), of.number("cpus"), _pids(of, "pids_limit")
    extension = node.get("x-echolab")
    if extension not in (None, "idle"):
        raise of.at("x-echolab").bad(f"{short(extension)} is not known", "write 'x-echolab: idle'")
    return Service(
        name=name,
        image=of.text("image"),
        build=_build(of) if "build" in node else None,
        platform=of.text("platform"),
        pull_policy=of.text("pull_policy"),
        entrypoint=of.words("entrypoint"),
        command=of.words("command"),
        environment=dict(node.get("environment", {})),
        user=of.text("user"),
        group_add=of.texts("group_add"),
        working_dir=of.text("working_dir"),
        hostname=of.text("hostname"),
        domainname=of.text("domainname"),
        container_name=of.text("container_name"),
        networks=tuple(_attachment(key, one) for key, one in of.each("networks")),
        network_mode=of.text("network_mode"),
        mac_address=_mac(of),
        links=tuple(_link(link) for link in of.texts("links")),
        extra_hosts={
            key: tuple(units.text(one) for one in found)
            for key, found in node.get("extra_hosts", {}).items()
        },
        dns=of.texts("dns"),
        dns_search=of.texts("dns_search"),
        dns_opt=of.texts("dns_opt"),
        ports=tuple(_port(one) for _, one in of.each("ports")),
        expose=of.texts("expose"),
        sysctls=of.pairs("sysctls"),
        cap_add=of.texts("cap_add"),
        cap_drop=of.texts("cap_drop"),
        security_opt=of.texts("security_opt"),
        privileged=of.truth("privileged"),
        devices=tuple(_device(one) for _, one in of.each("devices")),
        volumes=tuple(_mount(one) for _, one in of.each("volumes")),
        volumes_from=of.texts("volumes_from"),
        tmpfs=of.texts("tmpfs"),
        secrets=tuple(_grant(one, "/run/secrets/") for _, one in of.each("secrets")),
        configs=tuple(_grant(one, "/") for _, one in of.each("configs")),
        healthcheck=_healthcheck(of.inner("healthcheck")) if "healthcheck" in node else None,
        depends_on=_dependencies(of),
        restart=_restart(of),
        init=of.truth("init"),
        read_only=of.truth("read_only"),
        tty=of.truth("tty"),
        stdin_open=of.truth("stdin_open"),
        stop_signal=of.text("stop_signal"),
        stop_grace_period=of.seconds("stop_grace_period", -1.0)
        if "stop_grace_period" in node
        else None,
        ulimits={key: _limit(one) for key, one in of.each("ulimits")},
        mem_limit=limits.size("memory") if memory is None else memory,
        memswap_limit=None if node.get("memswap_limit") in (-1, "-1") else of.size("memswap_limit"),
        shm_size=of.size("shm_size"),
        cpus=limits.number("cpus") if processors is None else processors,
        cpuset=of.text("cpuset"),
        pids_limit=_pids(limits, "pids") if processes is None else processes,
        oom_score_adj=of.whole("oom_score_adj", -1000, 1000),
        labels=of.pairs("labels"),
        profiles=of.texts("profiles"),
        replicas=_replicas(of, deploy),
        idle=extension == "idle",
        raw=node,
    )


def _replicas(of: Fields, deploy: Fields) -> int:
    scale = of.whole("scale", 0, LARGEST_REPLICAS)
    replicas = deploy.whole("replicas", 0, LARGEST_REPLICAS)
    if scale is not None and replicas is not None and scale != replicas:
        raise of.at("scale").bad(
            f"'scale' is {scale}, 'deploy.replicas' {replicas}", "leave one of them out"
        )
    count = replicas if scale is None else scale
    if count is None:
        return 1
    if count > 1 and "container_name" in of.node:
        raise of.at("container_name").bad(
            f"{count} containers cannot have one name", "leave 'container_name' out"
        )
    return count


def _pids(of: Fields, key: str) -> int | None:
    found = of.whole(key, -1)
    return None if found in (-1, 0) else found


def _build(of: Fields) -> Build:
    build = of.inner("build")
    return Build(
        context=build.text("context") or ".",
        dockerfile=build.text("dockerfile") or "Dockerfile",
        dockerfile_inline=build.text("dockerfile_inline"),
        args=dict(build.node.get("args", {})),
        target=build.text("target"),
        raw=build.node,
    )


def _attachment(network: str, of: Fields) -> Attachment:
    return Attachment(
        network=network,
        aliases=of.texts("aliases"),
        ipv4_address=_address(of, "ipv4_address", 4),
        ipv6_address=_address(of, "ipv6_address", 6),
        link_local_ips=of.texts("link_local_ips"),
        mac_address=_mac(of),
        interface_name=of.text("interface_name"),
        driver_opts=of.pairs("driver_opts"),
        priority=of.number("priority") or 0.0,
        gw_priority=of.number("gw_priority") or 0.0,
    )


def _address(of: Fields, key: str, version: int) -> str | None:
    text = of.text(key)
    if text is None:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or address.version != version:
        raise of.at(key).bad(f"{short(text)} is not an IPv{version} address", "give one")
    return text


def _mac(of: Fields) -> str | None:
    text = of.text("mac_address")
    if text is not None and not re.fullmatch(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", text):
        raise of.at("mac_address").bad(f"{short(text)} is not a MAC address", "write six bytes")
    return text


def _link(text: str) -> tuple[str, str]:
    service, _, alias = text.partition(":")
    return service, alias or service


def _port(of: Fields) -> Port:
    target = of.whole("target", 1, 65535)
    if target is None:
        raise of.point.bad("a port without a 'target'", "write 'target: PORT' below it")
    return Port(target, of.text("published"), of.text("host_ip"), of.text("protocol") or "tcp")


def _device(of: Fields) -> Device:
    source = of.text("source") or ""
    return Device(source, of.text("target") or source, of.text("permissions") or "rwm")


def _mount(of: Fields) -> Mount:
    bind, volume, tmpfs = of.inner("bind"), of.inner("volume"), of.inner("tmpfs")
    return Mount(
        kind=of.text("type") or "volume",
        target=of.text("target") or "",
        source=of.text("source"),
        read_only=of.truth("read_only"),
        writable="read_only" in of.node and not of.truth("read_only"),
        create_host_path=bind.truth("create_host_path"),
        nocopy=volume.truth("nocopy"),
        subpath=volume.text("subpath"),
        size=tmpfs.size("size"),
        mode=_mode(tmpfs),
    )


def _mode(of: Fields) -> int | None:
    """A file mode: a number as written, or text in octal."""
    value = of.node.get("mode")
    if isinstance(value, str):
        if not re.fullmatch(r"(0o?)?[0-7]{1,5}", value):
            raise of.at("mode").bad(f"{short(value)} is not a file mode", "write such as 0440")
        return int(value.replace("o", ""), 8)
    return of.whole("mode", 0, 0o7777)


def _grant(of: Fields, folder: str) -> Grant:
    source = of.text("source")
    if source is None:
        raise of.point.bad("it has no 'source'", "write 'source: NAME' below it")
    target = of.text("target") or source
    path = target if target.startswith("/") else folder + target
    return Grant(source, path, of.text("uid"), of.text("gid"), _mode(of))


def _healthcheck(of: Fields) -> Healthcheck:
    test = of.words("test")
    if test is not None and (not test or test[0] not in ("NONE", "CMD", "CMD-SHELL")):
        raise of.at("test").bad(
            "it begins with none of NONE, CMD, CMD-SHELL", "write [CMD, PROGRAM, ARGUMENT…]"
        )
    return Healthcheck(
        test=None if test == ("NONE",) else test,
        interval=of.seconds("interval", 0.0),
        timeout=of.seconds("timeout", 0.0),
        retries=of.whole("retries") or 0,
        start_period=of.seconds("start_period", 0.0),
        start_interval=of.seconds("start_interval", 0.0),
        disable=of.truth("disable") or test == ("NONE",),
    )


def _dependencies(of: Fields) -> tuple[Dependency, ...]:
    """The conditions of `depends_on`, then those that links, namespaces and volumes imply."""
    found = {
        name: Dependency(
            name,
            one.text("condition") or "service_started",
            one.truth("required", implied=True),
            one.truth("restart"),
        )
        for name, one in of.each("depends_on")
    }
    implied = [text.partition(":")[0] for text in of.texts("links")]
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        kind, _, name = (of.text(key) or "").partition(":")
        if kind == "service":
            implied.append(name)
    for text in of.texts("volumes_from"):
        if not text.startswith("container:"):
            implied.append(text.partition(":")[0])
    for name in implied:
        found.setdefault(name, Dependency(name))
    return tuple(found.values())


def _restart(of: Fields) -> str:
    text = of.text("restart")
    if text is None:
        policy = of.inner("deploy").inner("restart_policy")
        condition = policy.text("condition")
        if not policy.node:
            return "no"
        attempts = policy.whole("max_attempts")
        if condition == "on-failure":
            return f"on-failure:{attempts}" if attempts else "on-failure"
        return {"none": "no", "any": "always", None: "always"}.get(condition, "no")
    if not RESTART.fullmatch(text):
        raise of.at("restart").bad(
            f"{short(text)} is not a policy",
            "write no, always, unless-stopped, on-failure or on-failure:N",
        )
    return text


def _limit(of: Fields) -> Limit:
    soft, hard = of.whole("soft", -1), of.whole("hard", -1)
    assert soft is not None and hard is not None
    return Limit(soft, hard)


def network(key: str, node: Map, at: At) -> Network:
    """A network from its canonical mapping."""
    of = Fields(node, at)
    ipam = of.inner("ipam")
    options = of.inner("driver_opts")
    return Network(
        key=key,
        name=of.text("name"),
        external=of.truth("external"),
        driver=of.text("driver"),
        driver_opts=of.pairs("driver_opts"),
        internal=of.truth("internal"),
        attachable=of.truth("attachable"),
        enable_ipv4=of.truth("enable_ipv4", implied=True),
        enable_ipv6=of.truth("enable_ipv6"),
        ipam_driver=ipam.text("driver"),
        ipam_options=ipam.pairs("options"),
        pools=tuple(_pool(one) for _, one in ipam.each("config")),
        labels=of.pairs("labels"),
        mtu=options.whole(MTU_OPTION, 68, 65535),
    )


def _pool(of: Fields) -> Pool:
    for key in ("subnet", "ip_range"):
        text = of.text(key)
        if text is not None:
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError:
                raise of.at(key).bad(
                    f"{short(text)} is not a range of addresses", "write such as 10.5.0.0/16"
                ) from None
    gateway = of.text("gateway")
    if gateway is not None:
        _address(of, "gateway", 6 if ":" in gateway else 4)
    return Pool(of.text("subnet"), gateway, of.text("ip_range"), of.pairs("aux_addresses"))


def volume(key: str, node: Map, at: At) -> Volume:
    """A named volume from its canonical mapping."""
    of = Fields(node, at)
    return Volume(
        key=key,
        name=of.text("name"),
        external=of.truth("external"),
        driver=of.text("driver"),
        driver_opts=of.pairs("driver_opts"),
        labels=of.pairs("labels"),
    )


def source(key: str, node: Map, at: At, lookup: Lookup) -> FileSource:
    """A secret or a configuration from its canonical mapping."""
    of = Fields(node, at)
    variable = of.text("environment")
    return FileSource(
        key=key,
        name=of.text("name"),
        external=of.truth("external"),
        file=of.text("file"),
        environment=variable,
        content=of.text("content") if variable is None else lookup(variable),
        labels=of.pairs("labels"),
    )


def section(document: Map, name: str) -> list[tuple[str, Map, At]]:
    """The entries of a section of the document, each with its name and point."""
    at = At(document.place)
    inner = document.get(name) or Map(place=document.place)
    here = at.key(document, name)
    found: Mapping[str, Any] = inner
    return [(key, value, here.key(inner, key)) for key, value in found.items()]
