"""The containers' connections to networks: made if Compose has not made them, and read.

docker-compose 1.29 joins a container to all but its first network only when it starts it
(compose/service.py, start_container), which the engine does itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from echolab.engines.contract import Address
from echolab.engines.docker.attach import Api
from echolab.engines.docker.compose import PROJECT_LABEL
from echolab.engines.docker.daemon import daemon_errors
from echolab.topology import Host, Topology

OF_A_NETWORK = ("Hostname", "Domainname", "ExposedPorts", "MacAddress")
WITHOUT_NETWORK: Mapping[str, object] = {
    "PortBindings": {},
    "Links": None,
    "ExtraHosts": None,
    "Dns": None,
}
"""What a container cannot have of its own if it shares another one's network."""


def networks(api: Api, project: str, document: Mapping[str, Any]) -> dict[str, str]:
    """The daemon's identity of each network by its name in the file.

    Every version of Compose names a network by its project, and so does our override.
    """
    wanted = {"label": f"{PROJECT_LABEL}={project}"}
    with daemon_errors("looking for the networks"):
        found = {
            str(one["Name"]).removeprefix(f"{project}_"): str(one["Id"])
            for one in api.networks(filters=wanted)
        }
        for key, declared in (document.get("networks") or {}).items():
            external = (declared or {}).get("external")
            if external:
                named = external.get("name") if isinstance(external, Mapping) else None
                name = declared.get("name") or named or key
                found[str(key)] = str(api.inspect_network(name)["Id"])
    return found


def attach(
    api: Api, topology: Topology, containers: Mapping[str, str], networks: Mapping[str, str]
) -> None:
    """Join each container to the networks of its host that it is not on yet.

    Compose gives all replicas of a service one name; each is joined again with its own, too.
    """
    for host in topology.hosts:
        container = containers[host.name]
        with daemon_errors(f"joining {host.name} to its networks"):
            there = api.inspect_container(container)["NetworkSettings"]["Networks"]
            links = _links(api, topology, host, containers)
            for way in host.networks:
                identity = networks[way.network]
                name = str(api.inspect_network(identity)["Name"])
                names = [host.name, *way.aliases]
                if name in there:
                    has = there[name].get("Aliases") or ()
                    if set(names) <= set(has) and (there[name].get("Links") or not links):
                        continue
                    api.disconnect_container_from_network(container, identity)
                api.connect_container_to_network(
                    container,
                    identity,
                    aliases=names,
                    links=links,
                    ipv4_address=way.ip or None,
                    ipv6_address=way.ip6 or None,
                )


def _links(
    api: Api, topology: Topology, host: Host, containers: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The containers to which a host gives names of its own, with these names.

    docker-compose 1.29 makes no links to containers that do not run yet.
    """
    return [
        (str(api.inspect_container(containers[target.name])["Name"]).lstrip("/"), alias)
        for service, alias in host.links
        for target in topology.hosts
        if service in (target.name, *(name for one in target.networks for name in one.aliases))
    ]


def share(api: Api, topology: Topology, containers: Mapping[str, str]) -> dict[str, str]:
    """The containers of all hosts, after replacing those that must share a network and do not.

    docker-compose 1.29 gives them the daemon's own network, since the container whose network
    they must share does not run yet (compose/service.py, ServiceNetworkMode).
    """
    found = dict(containers)
    for host in topology.hosts:
        if host.shares:
            with daemon_errors(f"having {host.name} share the network of {host.shares}"):
                found[host.name] = _shared(api, containers[host.name], containers[host.shares])
    return found


def _shared(api: Api, container: str, owner: str) -> str:
    """A container on the network of another one, replacing the given one if necessary."""
    made = api.inspect_container(container)
    mode = f"container:{owner}"
    if made["HostConfig"]["NetworkMode"] == mode:
        return container
    config = {key: value for key, value in made["Config"].items() if key not in OF_A_NETWORK}
    config["HostConfig"] = {**made["HostConfig"], "NetworkMode": mode, **WITHOUT_NETWORK}
    api.remove_container(container, force=True)
    return api.create_as(made["Name"].lstrip("/"), config)


def addresses(api: Api, host: str, container: str, keys: Mapping[str, str]) -> dict[str, Address]:
    """Where a running container is, by the networks' names in the file.

    `keys` has these names by the daemon's identities.
    """
    with daemon_errors(f"looking at {host}"):
        there = api.inspect_container(container)["NetworkSettings"]["Networks"]
    return {
        keys[one["NetworkID"]]: Address(
            one["IPAddress"], one["MacAddress"], one["GlobalIPv6Address"] or None
        )
        for one in there.values()
        if one["NetworkID"] in keys and one["MacAddress"]
    }
