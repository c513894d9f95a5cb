"""What an engine does not honour in a project: a line for each key refused or warned about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from echolab.compose.declared import DECLARED, HONOURED, REFUSED, SERVICE, TABLE, row
from echolab.compose.project import Network, Project
from echolab.compose.tree import At, Map
from echolab.errors import BadInput


@dataclasses.dataclass(frozen=True)
class Finding:
    """A key of a project that an engine does not honour: refused, or warned about."""

    refused: bool
    at: At
    what: str
    remedy: str

    @property
    def line(self) -> str:
        """The message about it, in one line."""
        return str(self.at.bad(self.what, self.remedy))


def findings(project: Project, engine: str) -> tuple[Finding, ...]:
    """Everything that an engine does not honour in a project, in the order of the file."""
    return tuple(_Walk(project, engine).all())


def check(project: Project, engine: str) -> tuple[str, ...]:
    """The warnings about what an engine does not honour, a line each.

    Raises BadInput, with file, service and key, if the engine must refuse the project.
    """
    found = findings(project, engine)
    refused = [one for one in found if one.refused]
    if refused:
        first = refused[0]
        more = f"{first.what}, and {len(refused) - 1} more" if len(refused) > 1 else first.what
        raise BadInput(first.at.bad(more, "").message, first.remedy)
    return tuple(one.line for one in found)


class _Walk:
    """Goes through the keys of a project that are in use."""

    def __init__(self, project: Project, engine: str) -> None:
        self.project = project
        self.engine = engine
        self.declared = DECLARED[engine]

    def all(self) -> Iterator[Finding]:
        """Every key of services, of the networks that they use, and of the file itself."""
        document = self.project.document
        used = _used(self.project)
        for key, value in document.items():
            here = At(document.place).key(document, key)
            if key == "services":
                for name, service in self.project.services.items():
                    yield from self._below(
                        "services.*", value[name], here.key(value, name), service
                    )
            elif key == "networks":
                for name in value:
                    if name in used:
                        network = self.project.networks[name]
                        yield from self._network(value[name], here.key(value, name), network)
            elif not key.startswith("x-"):
                yield from self._judged(key, value, here, None)

    def _network(self, node: Any, at: At, network: Network) -> Iterator[Finding]:
        yield from self._below("networks.*", node, at, network)
        driver, drivers = network.driver or "bridge", self.declared.drivers
        if drivers and driver not in drivers:
            yield self._finding(True, at.key(node, "driver"), "every network is a bridge")

    def _below(self, key: str, node: Any, at: At, owner: Any) -> Iterator[Finding]:
        """The findings about the keys below a key."""
        if isinstance(node, Map):
            for name, value in node.items():
                if not name.startswith("x-"):
                    inner = _pattern(key, name)
                    yield from self._judged(inner, value, at.key(node, name), owner)

    def _judged(self, key: str, value: Any, at: At, owner: Any) -> Iterator[Finding]:
        found = row(key)
        support = REFUSED if found is None else self.declared.column(found)
        deeper = any(other.startswith(f"{key}.") for other in TABLE)
        quiet = self.declared.quiet.get(key)
        nothing = value is None or value is False or value in ("", [], {})
        if (
            support is not HONOURED
            and not nothing
            and not (quiet and quiet(value, self.project, owner))
        ):
            why = self.declared.why.get(key, found.why if found else "")
            yield self._finding(support is REFUSED, at, why)
            return
        partly = self.declared.partly.get(key)
        known = partly(value, self.project, owner) if partly else None
        if known:
            yield Finding(False, at, *known)
        if deeper:
            yield from self._below(key, value, at, owner)

    def _finding(self, refused: bool, at: At, why: str) -> Finding:
        key = _key(at.path)
        found = row(key)
        other = self.declared.instead
        honours = found is not None and DECLARED[other].column(found) is HONOURED
        remedy = f"--engine {other} does" if honours else "leave it out"
        what = f"the engine {self.engine} does not honour it"
        return Finding(refused, at, f"{what}: {why}" if why else what, remedy)


def _pattern(key: str, name: str) -> str:
    """The table's key for something below another key: names that the user chose become `*`."""
    if key in (f"{SERVICE}networks", f"{SERVICE}depends_on", f"{SERVICE}ulimits"):
        return f"{key}.*"
    return f"{key}.{name}"


def _key(path: tuple[str, ...]) -> str:
    """The table's key of a point of a project."""
    if len(path) < 2:
        return ".".join(path)
    key = f"{path[0]}.*"
    for name in path[2:]:
        key = _pattern(key, name)
    return key


def _used(project: Project) -> set[str]:
    return {
        one.network
        for service in project.services.values()
        if service.replicas
        for one in service.networks
    }
