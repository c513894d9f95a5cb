"""How one Compose file overrides another, and a service the service that it extends.

Both sides are in canonical form. Mappings are merged key by key and lists are joined. Entries for
the same thing (a port, a mount's target, a subnet) are kept once, from the later file. Commands,
health checks and limits are replaced as a whole.

Source: Compose Specification, 13-merge.md; compose-go's override.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from echolab.compose.tree import Items, Map

Path = tuple[str, ...]


def merge(base: Map, over: Map) -> Map:
    """A document with another one, or a later document of the same file, laid over it."""
    return _mapping(base, over, ())


def merge_service(base: Map, over: Map) -> Map:
    """A service laid over the one that it extends."""
    return _mapping(base, over, ("services", "*"))


def _merged(base: Any, over: Any, path: Path) -> Any:
    if _whole(path):
        return over
    if isinstance(base, Map) and isinstance(over, Map):
        if path[-1:] == ("logging",) and _drivers_differ(base, over):
            return over
        return _mapping(base, over, path)
    if isinstance(base, Items) and isinstance(over, Items):
        return _joined(base, over, path)
    return base if over is None else over


def _mapping(base: Map, over: Map, path: Path) -> Map:
    values = {key: value for key, value in base.items() if key not in over.removed}
    places = {key: place for key, place in base.places.items() if key in values}
    for key, value in over.items():
        fresh = key not in values or key in over.replaced or key.startswith("x-")
        values[key] = value if fresh else _merged(values[key], value, (*path, key))
        places[key] = over.where(key)
    removed = (base.removed - set(values)) | (over.removed - set(over))
    return Map(values, over.place, places, removed, base.replaced | over.replaced)


def _whole(path: Path) -> bool:
    """Whether the later value replaces the earlier one, whatever they are."""
    if len(path) >= 3 and path[0] == "services":
        inner = path[2:]
        return (
            inner in (("command",), ("entrypoint",), ("healthcheck", "test"))
            or (len(inner) == 2 and inner[0] == "ulimits")
            or (len(inner) == 2 and inner[0] == "environment")
        )
    return False


def _drivers_differ(base: Map, over: Map) -> bool:
    drivers = {base.get("driver"), over.get("driver")} - {None}
    return len(drivers) > 1


def _joined(base: Items, over: Items, path: Path) -> Items:
    key = _KEYS.get(path[-1], _itself)
    values: list[Any] = []
    places = []
    seen: dict[Any, int] = {}
    for side in (base, over):
        for index, value in enumerate(side):
            name = key(value)
            if name not in seen:
                seen[name] = len(values)
                values.append(value)
                places.append(side.where(index))
            elif side is over:
                at = seen[name]
                both = path[-1] == "config" and isinstance(value, Map)
                values[at] = _mapping(values[at], value, path) if both else value
                places[at] = side.where(index)
    return Items(values, over.place, places)


def _itself(value: Any) -> Any:
    return repr(value) if isinstance(value, (Map, Items)) else (type(value).__name__, value)


def _port(value: Any) -> Any:
    return tuple(
        str(value.get(name, implied))
        for name, implied in (
            ("host_ip", "0.0.0.0"),
            ("target", ""),
            ("published", ""),
            ("protocol", "tcp"),
        )
    )


def _under(*names: str) -> Callable[[Any], Any]:
    """Identify an entry by the first of these keys that it has."""

    def key(value: Any) -> Any:
        if not isinstance(value, Map):
            return _itself(value)
        return next((str(value[name]) for name in names if name in value), _itself(value))

    return key


_KEYS: dict[str, Callable[[Any], Any]] = {
    "ports": _port,
    "volumes": _under("target"),
    "secrets": _under("target", "source"),
    "configs": _under("target", "source"),
    "devices": _under("target"),
    "env_file": _under("path"),
    "config": _under("subnet"),
}
