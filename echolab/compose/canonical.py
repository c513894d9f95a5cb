"""One canonical form of a Compose file: each short form is replaced by its long one.

The result is still a Compose file, but lists and mappings are used where the specification
leaves a choice, texts are split into words, and paths are absolute. Numbers, sizes and durations
stay as written.

Source: Compose Specification, 05-services.md to 09-secrets.md.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from echolab.compose import ports, units
from echolab.compose.interpolation import Lookup
from echolab.compose.tree import At, Items, Map, Place, short

SECTIONS = ("services", "networks", "volumes", "secrets", "configs")

NULL_SAYS = {
    "additional_contexts",
    "annotations",
    "args",
    "environment",
    "labels",
    "networks",
    "options",
    "services",
    "ssh",
    "sysctls",
    "volumes",
}
"""Below these keys an entry without a value has a meaning; elsewhere it counts as absent."""

REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/|[^/]+\.git(#|$)")
"""Build contexts that are not folders."""

BIND = re.compile(r"[./~]|\\\\|[A-Za-z]:\\")
"""How a short volume's source begins when it is a path and not the name of a volume."""


def without_nulls(document: Map) -> Map:
    """The document without keys that have no value: Compose treats them as absent."""
    found: Map = _without_nulls(document, keep=False)
    services = found.get("services")
    if not isinstance(services, Map):
        return found
    filled = {
        name: Map(place=services.where(name)) if service is None else service
        for name, service in services.items()
    }
    return found.like({**found, "services": services.like(filled)})


def _without_nulls(node: Any, keep: bool) -> Any:
    if isinstance(node, Items):
        return node.like(_without_nulls(item, keep=False) for item in node)
    if not isinstance(node, Map):
        return node
    values: dict[str, Any] = {}
    for key, value in node.items():
        if value is None and not keep and key not in ("command", "entrypoint"):
            continue
        same = key.startswith("x-")
        values[key] = value if same else _without_nulls(value, keep=key in NULL_SAYS)
    return node.like(values)


class Canonical:
    """Puts a document into canonical form; `base` is the folder that its paths are relative to."""

    def __init__(self, base: str, lookup: Lookup) -> None:
        self.base = base
        self.lookup = lookup
        self.service_keys: Mapping[str, Callable[[Any, At], Any]] = {
            "annotations": self.pairs,
            "build": self.build,
            "command": self.command,
            "configs": self.grants,
            "depends_on": self.depends_on,
            "devices": self.devices,
            "develop": self.develop,
            "dns": self.listed,
            "dns_opt": self.listed,
            "dns_search": self.listed,
            "entrypoint": self.command,
            "env_file": self.env_file,
            "environment": self.environment,
            "expose": self.expose,
            "extra_hosts": self.extra_hosts,
            "healthcheck": self.healthcheck,
            "label_file": self.label_file,
            "labels": self.pairs,
            "networks": self.attachments,
            "ports": self.ports,
            "secrets": self.grants,
            "sysctls": self.pairs,
            "tmpfs": self.listed,
            "ulimits": self.ulimits,
            "volumes": self.volumes,
        }

    def document(self, document: Map) -> Map:
        """The whole document; `extends` and `include` are left as they are."""
        at = At(document.place)
        changes: dict[str, Callable[[Map, At], Map]] = {
            "services": self.service,
            "networks": self.network,
            "volumes": self.volume,
            "secrets": self.source,
            "configs": self.source,
        }
        values = dict(document)
        for section, change in changes.items():
            if section in document:
                inner = document[section]
                here = at.key(document, section)
                values[section] = inner.like(
                    {
                        name: change(
                            Map(place=inner.where(name)) if value is None else value,
                            here.key(inner, name),
                        )
                        for name, value in inner.items()
                    }
                )
        return document.like(values)

    def service(self, service: Map, at: At) -> Map:
        """One service."""
        return self._changed(service, at, self.service_keys)

    def network(self, network: Map, at: At) -> Map:
        """One network that the file defines."""
        return self._changed(_external(network), at, {"labels": self.pairs})

    def volume(self, volume: Map, at: At) -> Map:
        """One named volume."""
        found = self._changed(_external(volume), at, {"labels": self.pairs})
        options = found.get("driver_opts")
        if isinstance(options, Map) and "bind" in str(options.get("o", "")).split(","):
            device = options.get("device")
            if isinstance(device, str):
                changed = options.like({**options, "device": self.path(device)})
                return found.like({**found, "driver_opts": changed})
        return found

    def source(self, source: Map, at: At) -> Map:
        """One secret or configuration."""
        return self._changed(_external(source), at, {"labels": self.pairs, "file": self._path})

    def _changed(self, node: Map, at: At, changes: Mapping[str, Callable[[Any, At], Any]]) -> Map:
        return node.like(
            {
                key: changes[key](value, at.key(node, key)) if key in changes else value
                for key, value in node.items()
            }
        )

    def path(self, path: str) -> str:
        """The absolute path: relative to the document's folder, `~` to the user's home."""
        if path == "~" or path.startswith("~/"):
            path = (self.lookup("HOME") or "~") + path[1:]
        return posixpath.normpath(posixpath.join(self.base, path))

    def _path(self, path: str, at: At) -> str:
        return self.path(path)

    def command(self, value: Any, at: At) -> Items | None:
        """A command as its words; None for the image's own."""
        if isinstance(value, str):
            try:
                words = units.words(value)
            except units.NotValid as error:
                raise at.bad(
                    f"{short(value)} cannot be split into words: {error}",
                    'write a list of words, such as [sh, -c, "…"]',
                ) from None
            return _items(words, at.place)
        return value if isinstance(value, Items) else None

    def listed(self, value: Any, at: At) -> Items:
        """A text as a list of one."""
        return value if isinstance(value, Items) else _items([units.text(value)], at.place)

    def expose(self, value: Items, at: At) -> Items:
        """Ports as texts."""
        return value.like(units.text(port) for port in value)

    def pairs(self, value: Any, at: At) -> Map:
        """A list of NAME=VALUE as a mapping; a name alone has the value ''."""
        named = self._named(value)
        return named.like(
            {key: "" if text is None else units.text(text) for key, text in named.items()}
        )

    def environment(self, value: Any, at: At) -> Map:
        """As `pairs`, but a name alone takes its value from this environment, or has none."""
        named = self._named(value)
        return named.like(
            {
                key: self.lookup(key) if text is None else units.text(text)
                for key, text in named.items()
            }
        )

    def _named(self, value: Any) -> Map:
        if isinstance(value, Map):
            return value
        values: dict[str, str | None] = {}
        places: dict[str, Place] = {}
        for index, entry in enumerate(value):
            name, equals, text = entry.partition("=")
            values[name] = text if equals else None
            places[name] = value.where(index)
        return Map(values, value.place, places)

    def build(self, value: Any, at: At) -> Map:
        """A build with an absolute path as its context."""
        build = Map({"context": value}, at.place) if isinstance(value, str) else value
        changes: dict[str, Callable[[Any, At], Any]] = {
            "args": self.environment,
            "labels": self.pairs,
            "context": self.context,
            "extra_hosts": self.extra_hosts,
            "additional_contexts": self.contexts,
            "ulimits": self.ulimits,
            "ssh": self.pairs,
            "secrets": self.grants,
        }
        return self._changed(build, at, changes)

    def context(self, value: str, at: At) -> str:
        """The folder of a build, or the address of a remote one."""
        return value if REMOTE.match(value) else self.path(value)

    def contexts(self, value: Any, at: At) -> Map:
        """Further contexts of a build, each a folder, an address, an image or a service."""
        pairs = self.pairs(value, at)
        kept = re.compile(r"[a-z][a-z-]*:")
        return pairs.like(
            {
                name: text if kept.match(text) else self.context(text, at)
                for name, text in pairs.items()
            }
        )

    def depends_on(self, value: Map | Items, at: At) -> Map:
        """Each service that this one waits for, with the condition."""
        plain = {"condition": "service_started", "required": True}
        if isinstance(value, Items):
            places = dict(zip(value, value.places, strict=False))
            return Map(
                {name: Map(plain, places.get(name, at.place)) for name in value}, at.place, places
            )
        return value.like({name: one.like({**plain, **one}) for name, one in value.items()})

    def attachments(self, value: Map | Items, at: At) -> Map:
        """Each network of a service, with its addresses and names there."""
        if isinstance(value, Items):
            places = dict(zip(value, value.places, strict=False))
            return Map({name: Map(place=at.place) for name in value}, at.place, places)
        return value.like(
            {
                name: Map(place=value.where(name)) if one is None else one
                for name, one in value.items()
            }
        )

    def env_file(self, value: Any, at: At) -> Items:
        """Each file with its path, whether it must be there, and its format."""
        entries = value if isinstance(value, Items) else _items([value], at.place)
        found = []
        for index, entry in enumerate(entries):
            one = entry if isinstance(entry, Map) else Map({"path": entry}, entries.where(index))
            required = self._truth(one.get("required", True), at.key(entries, index))
            found.append(one.like({**one, "path": self.path(one["path"]), "required": required}))
        return entries.like(found)

    def _truth(self, value: Any, at: At) -> bool:
        try:
            return units.truth(value)
        except units.NotValid as error:
            raise at.bad(str(error), "write true or false") from None

    def label_file(self, value: Any, at: At) -> Items:
        """Each file of labels, as an absolute path."""
        entries = self.listed(value, at)
        return entries.like(self.path(path) for path in entries)

    def extra_hosts(self, value: Any, at: At) -> Map:
        """Each name with the list of its addresses."""
        if isinstance(value, Map):
            return value.like(
                {
                    name: one if isinstance(one, Items) else _items([one], value.where(name))
                    for name, one in value.items()
                }
            )
        values: dict[str, list[str]] = {}
        places: dict[str, Place] = {}
        for index, entry in enumerate(value):
            found = re.fullmatch(r"([^:=]+)[:=]\s*(.+)", entry)
            if found is None:
                raise at.key(value, index).bad(f"{short(entry)} is not NAME=ADDRESS", "write it so")
            values.setdefault(found[1].strip(), []).append(found[2].strip())
            places[found[1].strip()] = value.where(index)
        return Map(
            {name: _items(found, places[name]) for name, found in values.items()}, at.place, places
        )

    def healthcheck(self, value: Map, at: At) -> Map:
        """A check whose test is a list: the shell runs a test that is a text."""
        if isinstance(value.get("test"), str):
            test = _items(["CMD-SHELL", value["test"]], value.where("test"))
            return value.like({**value, "test": test})
        return value

    def ports(self, value: Items, at: At) -> Items:
        """Each port with its target, protocol, and where it is published."""
        return _flat(
            value,
            at,
            lambda entry, here: [entry] if isinstance(entry, Map) else ports.parse(entry, here),
        )

    def grants(self, value: Items, at: At) -> Items:
        """Each secret or configuration that a service or a build is given."""
        return value.like(
            entry if isinstance(entry, Map) else Map({"source": entry}, value.where(index))
            for index, entry in enumerate(value)
        )

    def ulimits(self, value: Map, at: At) -> Map:
        """Each limit with its soft and hard value."""
        return value.like(
            {
                name: one
                if isinstance(one, Map)
                else Map({"soft": one, "hard": one}, value.where(name))
                for name, one in value.items()
            }
        )

    def devices(self, value: Items, at: At) -> Items:
        """Each device with its path here, its path on the host, and the permissions."""
        return value.like(
            entry if isinstance(entry, Map) else self._device(entry, at.key(value, index))
            for index, entry in enumerate(value)
        )

    def _device(self, entry: str, at: At) -> Map:
        parts = entry.split(":")
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise at.bad(f"{short(entry)} is not a device", "write SOURCE:TARGET:PERMISSIONS")
        source = parts[0]
        target = parts[1] if len(parts) > 1 else source
        permissions = parts[2] if len(parts) > 2 else "rwm"
        return Map({"source": source, "target": target, "permissions": permissions}, at.place)

    def develop(self, value: Map, at: At) -> Map:
        """What is watched for changes, by absolute paths."""
        watch = value.get("watch")
        if not isinstance(watch, Items):
            return value
        changed = watch.like(
            one.like({**one, "path": self.path(one["path"])}) if "path" in one else one
            for one in watch
        )
        return value.like({**value, "watch": changed})

    def volumes(self, value: Items, at: At) -> Items:
        """Each mount with its type, source and target."""
        return value.like(
            self._mount(entry, at.key(value, index)) for index, entry in enumerate(value)
        )

    def _mount(self, entry: Any, at: At) -> Map:
        mount = entry if isinstance(entry, Map) else self._short_mount(entry, at)
        if "target" not in mount:
            raise at.bad("it has no 'target'", "write 'target: /PATH' below it")
        source = mount.get("source")
        if mount["type"] == "bind":
            if not source:
                raise at.bad("a bind mount without a 'source'", "write 'source: PATH' below it")
            return mount.like({**mount, "source": self.path(source)})
        return mount

    def _short_mount(self, entry: str, at: At) -> Map:
        drive = re.match(r"[A-Za-z]:\\", entry)
        head = entry[:2] if drive else ""
        parts = entry[len(head) :].split(":")
        parts[0] = head + parts[0]
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise at.bad(f"{short(entry)} is not a mount", "write SOURCE:TARGET:MODE")
        if len(parts) == 1:
            return Map({"type": "volume", "target": parts[0]}, at.place)
        source, target = parts[0], parts[1]
        options = parts[2].split(",") if len(parts) > 2 else []
        path = BIND.match(source) is not None
        mount: dict[str, Any] = {
            "type": "bind" if path else "volume",
            "source": source,
            "target": target,
        }
        if "ro" in options or "rw" in options:
            mount["read_only"] = "ro" in options
        details: dict[str, Any] = {"create_host_path": True} if path else {}
        for option in options:
            if option == "nocopy" and not path:
                details["nocopy"] = True
            elif option in ("z", "Z") and path:
                details["selinux"] = option
            elif re.fullmatch(r"r?(private|shared|slave)", option) and path:
                details["propagation"] = option
        if details:
            mount["bind" if path else "volume"] = Map(details, at.place)
        return Map(mount, at.place)


def _items(values: Iterable[Any], place: Place) -> Items:
    values = list(values)
    return Items(values, place, [place] * len(values))


def _flat(value: Items, at: At, change: Callable[[Any, At], list[Any]]) -> Items:
    """The list, with each entry replaced by the entries that `change` makes of it."""
    found: list[Any] = []
    places: list[Place] = []
    for index, entry in enumerate(value):
        some = change(entry, at.key(value, index))
        found += some
        places += [value.where(index)] * len(some)
    return Items(found, value.place, places)


def _external(node: Map) -> Map:
    """Old files' `external: {name: N}` as `external: true` and `name: N`."""
    external = node.get("external")
    if not isinstance(external, Map):
        return node
    values = {**node, "external": True}
    if "name" in external:
        values.setdefault("name", external["name"])
    return node.like(values)
