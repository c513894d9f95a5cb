"""Compose files read from disk: the only module of this room that reads files.

Strategy: each document becomes a layer on its own (variables replaced, form checked, short forms
expanded, includes and `extends` resolved), because each step needs the folder and the variables of
the document's own file. The layers are merged, and only then do they become a project.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from echolab.compose import check, env_file, interpolation, model, schema
from echolab.compose.canonical import SECTIONS, Canonical, without_nulls
from echolab.compose.document import parse
from echolab.compose.merge import merge, merge_service
from echolab.compose.project import Project
from echolab.compose.tree import At, Items, Map, Place, map_texts, short
from echolab.errors import BadInput

Variables = Mapping[str, str]


def read(
    files: Sequence[Path],
    environment: Variables,
    *,
    env_files: Sequence[Path] = (),
    profiles: Sequence[str] = (),
    folder: Path | None = None,
) -> Project:
    """The project of one or more Compose files, later ones laid over earlier ones.

    `environment` are the variables of the process; they win over `env_files`, by default the `.env`
    in the project's folder. `folder` is the project's folder, by default the first file's.
    `profiles` are active in addition to those of COMPOSE_PROFILES.

    Raises BadInput, in one line with file and line, for anything that cannot be read.
    """
    base = str((folder or files[0].parent).absolute())
    reader = _Reader(files)
    variables = reader.variables(environment, env_files, base)
    layers = [
        layer
        for file in files
        for layer in reader.layers(_Origin(file, base, variables), parse(_load(file), str(file)))
    ]
    if not layers:
        raise BadInput(f"{files[0]} is empty", "write 'services:' and name the hosts there")
    document = layers[0]
    for layer in layers[1:]:
        document = merge(document, layer)
    active = {*profiles, *_words(variables.get("COMPOSE_PROFILES", ""))}
    return _project(reader, document, str(files[0]), variables, active)


@dataclasses.dataclass(frozen=True)
class _Origin:
    """Where a layer comes from: its file, the folder of its paths, and its variables.

    `chain` are the files that led here by including or extending one another.
    """

    file: Path
    base: str
    variables: Variables
    chain: tuple[str, ...] = ()

    def lookup(self, name: str) -> str | None:
        return self.variables.get(name)


class _Reader:
    """Reads files and collects warnings about them."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.shown = {str(file.absolute()): str(file) for file in files}
        self.warnings: dict[str, None] = {}
        self.extended: dict[tuple[str, str], Map] = {}

    def variables(self, environment: Variables, env_files: Sequence[Path], base: str) -> Variables:
        """The variables of a project: those of its `.env`, overridden by the process's."""
        files = list(env_files) or [
            file for file in [Path(base, ".env")] if file.is_file() or file.is_symlink()
        ]
        found = dict(environment)
        for file in files:
            # A later file wins over an earlier one, and the process wins over both.
            for name, value in env_file.parse(_load(file), self.name(file), found.get).items():
                if value is not None and name not in environment:
                    found[name] = value
        found.setdefault("COMPOSE_PROJECT_NAME", _project_name(posixpath.basename(base)))
        return found

    def name(self, file: Path) -> str:
        """A file's name for messages: as given, or relative to the working directory."""
        path = posixpath.normpath(str(file.absolute()))
        here = str(Path.cwd())
        return self.shown.get(path, path.removeprefix(f"{here}/"))

    def layers(self, origin: _Origin, documents: Iterable[Map]) -> list[Map]:
        """The documents of a file, ready to be merged."""
        return [
            self._extended(self._included(one, origin), origin)
            for one in (self._canonical(document, origin) for document in documents)
        ]

    def _canonical(self, document: Map, origin: _Origin) -> Map:
        at = At(document.place)
        document = map_texts(document, at, lambda text, here: self._replaced(text, here, origin))
        document = without_nulls(document)
        schema.check(document, at)
        return Canonical(origin.base, origin.lookup).document(document)

    def _replaced(self, text: str, at: At, origin: _Origin) -> str:
        if "$" not in text:
            return text

        def unset(name: str) -> None:
            self.warnings[f"{at.place}: the variable {name} is not set and counts as empty"] = None

        try:
            return interpolation.substitute(text, origin.lookup, unset)
        except interpolation.NotValid as error:
            if "has no value" in str(error):
                raise at.bad(str(error), "set it, or write it into .env") from None
            raise at.bad(str(error), "write $$ for a dollar sign") from None

    def _included(self, document: Map, origin: _Origin) -> Map:
        entries = document.get("include")
        if not isinstance(entries, Items):
            return document
        here = At(document.place).key(document, "include")
        found = document
        for index, entry in enumerate(entries):
            found = _imported(found, self._include(entry, here.key(entries, index), origin))
        return found

    def _include(self, entry: str | Map, at: At, origin: _Origin) -> Map:
        """The document of an entry of `include`, with everything that its files say."""
        one = entry if isinstance(entry, Map) else Map({"path": entry}, at.place)
        listed = Canonical(origin.base, origin.lookup)
        paths = [listed.path(path) for path in listed.listed(one.get("path", Items()), at)]
        if not paths:
            raise at.bad("it names no file", "write 'path: FILE' below it")
        base = posixpath.dirname(paths[0])
        if "project_directory" in one:
            base = listed.path(one["project_directory"])
        env_files = [
            Path(listed.path(path)) for path in listed.listed(one.get("env_file", Items()), at)
        ]
        chain = (*origin.chain, str(origin.file.absolute()))
        if paths[0] in chain:
            raise at.bad(f"{self.name(Path(paths[0]))} includes itself", "take it out")
        for file in env_files:
            _present(file, at)
        variables = self.variables(origin.variables, env_files, base)
        layers = [
            layer
            for path in paths
            for layer in self.layers(
                _Origin(Path(path), base, variables, chain), self._parsed(Path(path), at)
            )
        ]
        document = layers[0] if layers else Map(place=at.place)
        for layer in layers[1:]:
            document = merge(document, layer)
        return document

    def _parsed(self, path: Path, at: At) -> list[Map]:
        _present(path, at)
        return parse(_load(path), self.name(path))

    def _extended(self, document: Map, origin: _Origin) -> Map:
        services = document.get("services")
        if not isinstance(services, Map):
            return document
        if not any("extends" in service for service in services.values()):
            return document
        here = At(document.place).key(document, "services")
        changed = {
            name: self._service(name, services, here.key(services, name), origin, ())
            for name in services
        }
        return document.like({**document, "services": services.like(changed)})

    def _service(
        self, name: str, services: Map, at: At, origin: _Origin, chain: tuple[str, ...]
    ) -> Map:
        """A service laid over the service that it extends, if any."""
        service: Map = services[name]
        extends = service.get("extends")
        if extends is None:
            return service
        here = at.key(service, "extends")
        link = f"{origin.file.absolute()}:{name}"
        if link in chain:
            raise here.bad(f"the service '{name}' extends itself", "take 'extends' out")
        chain = (*chain, link)
        wanted, file = extends, None
        if isinstance(extends, Map):
            wanted, file = extends["service"], extends.get("file")
        elsewhere, others = origin, services
        if file is not None:
            path = Path(Canonical(origin.base, origin.lookup).path(file))
            elsewhere = _Origin(path, str(path.parent), origin.variables)
            others = self._services_of(elsewhere, here)
        if wanted not in others:
            raise here.bad(
                f"there is no service '{wanted}' in {self.name(elsewhere.file)}",
                f"it has {', '.join(others) or 'none'}",
            )
        base = self._service(wanted, others, here, elsewhere, chain)
        merged = merge_service(base, service)
        return merged.like({key: value for key, value in merged.items() if key != "extends"})

    def _services_of(self, origin: _Origin, at: At) -> Map:
        """The services of a file from which one is extended, in canonical form."""
        key = (str(origin.file), origin.base)
        if key not in self.extended:
            found = Map(place=Place(self.name(origin.file), 1))
            for document in self._parsed(origin.file, at):
                found = merge(found, self._canonical(document, origin))
            self.extended[key] = found.get("services") or Map(place=found.place)
        return self.extended[key]


def _imported(document: Map, included: Map) -> Map:
    """The document with what another one brings in: nothing may be defined twice."""
    values = dict(document)
    for section in SECTIONS:
        brought = included.get(section)
        if not isinstance(brought, Map):
            continue
        own = values.get(section) or Map(place=brought.place)
        for name, value in own.items():
            if name in brought and brought[name] != value:
                at = At(own.where(name), (section, name))
                raise at.bad(
                    f"{brought.where(name)} has it, too, otherwise",
                    "rename one, or override it by a second --compose file",
                )
        places = {**brought.places, **own.places}
        values[section] = Map({**brought, **own}, own.place, places)
    return document.like(values)


def _project(
    reader: _Reader, document: Map, file: str, variables: Variables, active: set[str]
) -> Project:
    lookup = variables.get
    services = {}
    disabled: list[str] = []
    for name, node, at in model.section(document, "services"):
        profiles = set(node.get("profiles", ()))
        if profiles and not profiles & active and "*" not in active:
            disabled.append(name)
        else:
            services[name] = model.service(name, _with_files(reader, node, at, variables), at)
    project = Project(
        file=file,
        name=_project_name(str(document.get("name") or variables["COMPOSE_PROJECT_NAME"])),
        services=services,
        networks={
            key: model.network(key, node, at)
            for key, node, at in model.section(document, "networks")
        },
        volumes={
            key: model.volume(key, node, at) for key, node, at in model.section(document, "volumes")
        },
        secrets={
            key: model.source(key, node, at, lookup)
            for key, node, at in model.section(document, "secrets")
        },
        configs={
            key: model.source(key, node, at, lookup)
            for key, node, at in model.section(document, "configs")
        },
        disabled=tuple(disabled),
        warnings=tuple(reader.warnings),
        document=document,
    )
    return check.complete(project)


def _with_files(reader: _Reader, node: Map, at: At, variables: Variables) -> Map:
    """The service with the variables and labels of the files that it names put below its own."""
    values = dict(node)
    if "env_file" in node:
        found: dict[str, str | None] = {}
        entries = node["env_file"]
        here = at.key(node, "env_file")
        for index, entry in enumerate(entries):
            path = Path(entry["path"])
            if not path.is_file() and not entry["required"]:
                continue
            _present(path, here.key(entries, index))

            def known(name: str) -> str | None:
                value = found.get(name)  # noqa: B023 (used before the next turn)
                return variables.get(name) if value is None else value

            form = entry.get("format")
            if form not in (None, "raw"):
                raise here.bad(f"{short(form)} is not a format", "write raw, or leave it out")
            raw = _load(path)
            shown = reader.name(path)
            found |= (
                env_file.parse_raw(raw, shown)
                if form == "raw"
                else env_file.parse(raw, shown, known)
            )
        own = node.get("environment") or Map(place=here.place)
        values["environment"] = own.like({**found, **own})
    if "label_file" in node:
        labels: dict[str, str | None] = {}
        for index, entry in enumerate(node["label_file"]):
            path = Path(entry)
            _present(path, at.key(node, "label_file").key(node["label_file"], index))
            labels |= env_file.parse(_load(path), reader.name(path), variables.get)
        own = node.get("labels") or Map(place=at.place)
        values["labels"] = own.like({**{k: v or "" for k, v in labels.items()}, **own})
    return node.like(values)


def _present(file: Path, at: At) -> None:
    if not file.exists():
        raise at.bad(f"there is no file {file}", "write the file, or fix its path")


def _load(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}", "check the path") from None
    except ValueError:
        raise BadInput(f"cannot read {str(file)!r}: not a path", "check the path") from None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _project_name(text: str) -> str:
    """A project's name by Compose's rules: lower-case letters, digits, `-` and `_`."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-") or "default"
