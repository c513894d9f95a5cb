"""Ports of a service in their short form: `[ADDRESS:][PUBLISHED:]TARGET[/PROTOCOL]`.

By hand: docker-py's `split_port` knows no ranges of one target.

Source: Compose Specification, 05-services.md, "Ports"; docker/go-connections' nat.
"""

from __future__ import annotations

import re
from typing import Any

from echolab.compose.tree import At, Map, short

FORM = re.compile(
    r"(?:(?P<ip>\[[0-9A-Fa-f:.%a-z]+\]|[0-9A-Fa-f.]+(?::[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)?|):)?"
    r"(?:(?P<published>[0-9]*(?:-[0-9]+)?):)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[A-Za-z]+))?"
)
WITHOUT_ADDRESS = re.compile(
    r"(?:(?P<published>[0-9]*(?:-[0-9]+)?):)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[A-Za-z]+))?"
)


def parse(entry: Any, at: At) -> list[Any]:
    """The ports that an entry stands for, each a mapping in the long form.

    A range of targets yields as many ports. Raises BadInput for an entry that is not a port.
    """
    text = str(int(entry)) if isinstance(entry, (int, float)) else str(entry)
    found = WITHOUT_ADDRESS.fullmatch(text)
    address = None
    if found is None:
        found = FORM.fullmatch(text)
        if found is None:
            raise _bad(text, at)
        address = (found["ip"] or "").strip("[]") or None
    targets = _range(found["target"], text, at)
    published = _range(found["published"], text, at) if found["published"] else None
    if published is not None and len(targets) > 1 and len(published) != len(targets):
        raise at.bad(
            f"{short(text)} publishes {len(published)} ports of {len(targets)}",
            "give two ranges of the same length",
        )
    return [
        _long(target, _published(published, index, len(targets)), address, found["protocol"], at)
        for index, target in enumerate(targets)
    ]


def _published(published: range | None, index: int, targets: int) -> str | None:
    if published is None:
        return None
    if targets == 1 and len(published) > 1:
        return f"{published[0]}-{published[-1]}"
    return str(published[index])


def _range(text: str, whole: str, at: At) -> range:
    first, _, last = text.partition("-")
    found = range(int(first or 0), int(last or first or 0) + 1)
    if not found or not 0 <= found[0] <= found[-1] <= 65535 or len(first) > 5:
        raise _bad(whole, at)
    return found


def _long(
    target: int, published: str | None, address: str | None, protocol: str | None, at: At
) -> Map:
    port: dict[str, Any] = {"mode": "ingress"}
    if address is not None:
        port["host_ip"] = address
    port["target"] = target
    if published is not None:
        port["published"] = published
    port["protocol"] = (protocol or "tcp").lower()
    return Map(port, at.place)


def _bad(text: str, at: At) -> Exception:
    return at.bad(f"{short(text)} is not a port", "write it as '8080:80' or '127.0.0.1:8080:80'")
