"""Stands in for a killed host: it has the host's names and addresses, and is silent.

Strategy: the daemon forgets the names of a container that ended, and gives its addresses to the
next one that starts. Meanwhile this container keeps both. Its hardware address differs, and the
other hosts know the killed host's own; so nothing sent to the dead host reaches it. As not every
Docker Engine lets us choose that address on a second network, it also takes its devices down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors

SILENT = """
for device in /sys/class/net/*; do ip link set dev "${device##*/}" down; done
exec sleep infinity
"""


class Placeholder:
    """The container that stands in for a host; closed, it is gone and all it kept is free.

    `networks` is what the daemon reports of the host's container (`NetworkSettings.Networks`).
    """

    def __init__(
        self,
        api: Api,
        host: str,
        networks: Mapping[str, Any],
        image: str,
        labels: Mapping[str, str],
    ) -> None:
        self._api = api
        self._host = host
        self._id = ""
        with daemon_errors(f"keeping the addresses of {host}"):
            try:
                self._start(networks, image, labels)
            except BaseException:
                self.close()
                raise

    def _start(self, networks: Mapping[str, Any], image: str, labels: Mapping[str, str]) -> None:
        endpoints = {name: self._endpoint(told) for name, told in networks.items()}
        first = next(iter(endpoints), "none")
        made: dict[str, Any] = self._api.create_container(
            image,
            entrypoint=["sh", "-c", SILENT],
            host_config=self._api.create_host_config(
                network_mode=first, cap_drop=["ALL"], cap_add=["NET_ADMIN"], init=True
            ),
            networking_config={"EndpointsConfig": {first: endpoints[first]}} if endpoints else None,
            labels=dict(labels),
            mac_address=_mac(networks[first]) if endpoints else None,
        )
        self._id = str(made["Id"])
        for name, told in networks.items():
            if name != first:
                self._api.connect_container_to_network(self._id, name, **_kept(told))
        self._api.start(self._id)

    def _endpoint(self, told: Mapping[str, Any]) -> Any:
        return self._api.create_endpoint_config(**_kept(told))

    def close(self) -> None:
        """Remove the container; a second call does nothing."""
        if self._id:
            with daemon_errors(f"letting go of the addresses of {self._host}"):
                self._api.remove_container(self._id, force=True)
            self._id = ""


def _kept(told: Mapping[str, Any]) -> dict[str, Any]:
    """The names on one network, and the addresses that the Compose file fixes."""
    fixed = told.get("IPAMConfig") or {}
    return {
        "aliases": list(told.get("Aliases") or ()),
        "ipv4_address": fixed.get("IPv4Address"),
        "ipv6_address": fixed.get("IPv6Address"),
        "mac_address": _mac(told),
    }


def _mac(told: Mapping[str, Any]) -> str:
    """A hardware address other than the host's; both are local ones (IEEE 802)."""
    return "06" + str(told["MacAddress"])[2:]
