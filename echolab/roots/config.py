"""An image's configuration: what runs, as whom, where, with which environment.

Source: OCI Image Specification, config.md; Docker's own configuration agrees with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from echolab.errors import BadInput
from echolab.topology import Health, health_test

SYSTEM, ARCHITECTURES = "linux", ("amd64", "x86_64")
"""What the guest runs."""


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """An image's own settings; those of a service replace them.

    `layers` are the digests of the unpacked layers, the lowest first. `health` is None where
    the image has no check (`HEALTHCHECK` of its Dockerfile).
    """

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    layers: tuple[str, ...] = ()
    health: Health | None = None


def parse(document: object, where: str) -> ImageConfig:
    """The configuration in an image's JSON document.

    Raises BadInput for a document that is not a configuration, and for an image of another machine.
    """
    whole = _mapping(document, where)
    system, architecture = whole.get("os", SYSTEM), whole.get("architecture", ARCHITECTURES[0])
    if system != SYSTEM or architecture not in ARCHITECTURES:
        raise BadInput(
            f"{where} is an image for {system}/{architecture}", "give one for linux/amd64"
        )
    own = _mapping(whole.get("config") or {}, where)
    rootfs = _mapping(whole.get("rootfs") or {}, where)
    return ImageConfig(
        entrypoint=_texts(own.get("Entrypoint"), where),
        command=_texts(own.get("Cmd"), where),
        environment=dict(
            text.partition("=")[::2] for text in _texts(own.get("Env"), where) if "=" in text
        ),
        user=_text(own.get("User"), where),
        workdir=_text(own.get("WorkingDir"), where),
        layers=_texts(rootfs.get("diff_ids"), where),
        health=_health(own.get("Healthcheck"), where),
    )


def _health(value: object, where: str) -> Health | None:
    """An image's check of its health: its times are nanoseconds, 0 where it does not say."""
    said = _mapping(value or {}, where)
    test = health_test(_texts(said.get("Test"), where))
    if not test:
        return None
    names = ("Interval", "Timeout", "StartPeriod", "StartInterval")
    interval, timeout, period, first = (_number(said.get(name), where) / 1e9 for name in names)
    return Health(test, interval, timeout, _number(said.get("Retries"), where), period, first)


def _number(value: object, where: str) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or value < 0:
        raise _bad(where)
    return value


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(where)
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _bad(where)
    return tuple(value)


def _text(value: object, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad(where)
    return value


def _bad(where: str) -> BadInput:
    return BadInput(f"{where}: its configuration is damaged", "make the archive again")
