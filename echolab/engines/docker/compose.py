"""Compose by its command line: it makes the containers of any Compose file.

A run adds an override to the file: our labels, our images, idle hosts that wait forever.
Compose then makes networks and containers but starts nothing; the engine starts them, all
hosts side by side, which is quicker and the same in every version of Compose.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import IO, Any, Protocol

from echolab.compose.canonical import without_nulls
from echolab.compose.document import parse
from echolab.compose.host_files import OWN_IMAGE
from echolab.compose.tree import plain
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.docker.images import Images
from echolab.engines.docker.reasons import reason, remedy
from echolab.errors import BadInput, CannotRun
from echolab.progress import Progress
from echolab.topology import OWN_CHECK, Topology

WAIT = ("sleep", "infinity")
"""What an idle host runs: it keeps the container there, and with it the network."""

NEVER = "24h"
"""Interval of the lab's own health check in the daemon: longer than any run. The engine makes the
check itself, at once, so that none disturbs a measurement."""

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"

CREATE_LIMIT = 900.0
"""Seconds for Compose, which may build and pull the images of a user's file."""


@functools.cache
def command() -> tuple[str, ...]:
    """How Compose is called here: `docker compose`, or docker-compose; empty if it is missing."""
    if shutil.which("docker"):
        asked = subprocess.run(
            ["docker", "compose", "version"], capture_output=True, timeout=30, check=False
        )
        if asked.returncode == 0:
            return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else ()


class Claim(Protocol):
    """The owner of what Compose makes: `project` is its name, `labels` mark its things."""

    @property
    def project(self) -> str: ...

    def labels(self, role: str) -> dict[str, str]: ...


def create(
    file: Path, override: Mapping[str, Any], project: str, copies: Mapping[str, int], say: Progress
) -> None:
    """Make the networks and containers of a Compose file without starting any.

    `copies` gives the number of containers of each service with more than one. Raises BadInput for
    what Compose does not accept, CannotRun if it fails.
    """
    with (
        contextlib.ExitStack() as undo,
        tempfile.TemporaryFile("w+", encoding="utf-8") as added,
    ):
        # A file without a name: however this process ends, nothing of it is left.
        json.dump(override, added)
        added.flush()
        argv = [
            *_with_owner(command()),
            "--file",
            _readable(file, undo),
            "--file",
            "/dev/stdin",
            "--project-directory",
            str(file.parent),
            "--project-name",
            project,
            "up",
            "--no-start",
            *(word for name, count in copies.items() for word in ("--scale", f"{name}={count}")),
        ]
        _run(argv, added, file, project, say)


TOO_NEW = {"depends_on": ("required", "restart"), "healthcheck": ("start_interval",)}
"""Keys that docker-compose 1 refuses, and that the engine implements itself."""

OLD_SWITCHES = {"y", "yes", "n", "no", "on", "off"}
"""Words that docker-compose 1 reads as truth values, as YAML 1.1 has them, in whatever case."""


@functools.cache
def _is_old() -> bool:
    """Whether Compose is docker-compose 1, which was written in Python."""
    argv = [*command(), "version", "--short"]
    asked = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    return asked.stdout.strip().lstrip("v").startswith("1.")


def _readable(file: Path, undo: contextlib.ExitStack) -> str:
    """The path of a Compose file, or of a copy without what an old Compose refuses.

    Few files have any of that, and to ask an old Compose for its version takes a third of a second.
    """
    document = read(file)
    if not without_novelties(document) or not _is_old():
        return str(file)
    folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="echolab-"))
    copy = Path(folder, file.name)
    copy.write_text(json.dumps(document), encoding="utf-8")
    return str(copy)


def without_novelties(document: dict[str, Any]) -> bool:
    """Rid the services of what docker-compose 1 refuses; return whether there was anything.

    It refuses some keys, and truth values where it wants texts, in an environment for example.
    """
    found = False
    for service in document["services"].values():
        for texts in _texts(service):
            for name, value in texts.items():
                if isinstance(value, bool):
                    texts[name] = str(value).lower()
                found |= isinstance(value, bool) or str(value).lower() in OLD_SWITCHES
        waits = service.get("depends_on")
        parts = [service.get("healthcheck"), *(waits.values() if isinstance(waits, dict) else ())]
        for part in parts:
            for key in (*TOO_NEW["depends_on"], *TOO_NEW["healthcheck"]):
                if isinstance(part, dict) and key in part:
                    del part[key]
                    found = True
    return found


def _texts(service: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The mappings of a service whose values are texts."""
    build = service.get("build")
    places = [service.get(key) for key in ("environment", "labels", "sysctls")]
    places += [build.get(key) for key in ("args", "labels")] if isinstance(build, dict) else []
    yield from (place for place in places if isinstance(place, dict))


def with_start_interval(document: Mapping[str, Any]) -> list[str]:
    """The services whose health checks have a `start_interval` for their `start_period`."""
    return [
        str(name)
        for name, service in document["services"].items()
        if {"start_interval", "start_period"} <= set(service.get("healthcheck") or ())
    ]


def override(
    document: Mapping[str, Any],
    topology: Topology,
    images: Images,
    owner: Claim,
    folders: Sequence[str] = (),
    *,
    left_up: bool = False,
) -> dict[str, Any]:
    """What a run adds to a Compose file, as another Compose file.

    In a lab that is `left_up` to look around in, the daemon makes all health checks itself.
    """
    idle = {service_of(host.name, document) for host in topology.hosts if host.idle}
    services = {
        str(name): _service(str(name), service, idle, images, owner, folders)
        for name, service in document["services"].items()
    }
    for name, service in document["services"].items():
        if not left_up and OWN_CHECK in str((service.get("healthcheck") or {}).get("test")):
            services[str(name)]["healthcheck"] = {"interval": NEVER}
    added: dict[str, Any] = {"services": services}
    implied = {one.name: None for one in topology.networks}
    for part, others in (("networks", implied), ("volumes", {})):
        declared = {**others, **(document.get(part) or {})}
        ours = {
            str(name): _labelled(value or {}, owner.labels(part.rstrip("s")))
            for name, value in declared.items()
            if not (value or {}).get("external")
        }
        for name, value in ours.items():
            if "name" in value:  # the user's own lab may have a network or volume of that name
                value["name"] = f"{owner.project}_{name}"
        if ours:
            added[part] = ours
    if "version" in document:
        added["version"] = document["version"]
    return added


def _service(
    name: str,
    service: Mapping[str, Any],
    idle: Set[str],
    images: Images,
    owner: Claim,
    folders: Sequence[str],
) -> dict[str, Any]:
    added: dict[str, Any] = {"labels": _literal(owner.labels("host"))}
    if service.get("image") in (OWN_IMAGE, f"{OWN_IMAGE}:latest"):
        added["image"] = images.host
        added["pull_policy"] = "never"
    if "build" in service and "image" not in service:  # Compose names it by the project
        added["build"] = {"labels": _literal(owner.labels("image"))}
    if "container_name" in service:  # the user's own lab may have a container of that name
        added["container_name"] = f"{owner.project}-{name}"
    if folders:
        added["volumes"] = _literal([f"{folder}:{folder}:ro" for folder in folders])
    waits = service.get("depends_on")
    if isinstance(waits, Mapping):  # the engine waits itself; docker-compose 1.29 waits for ever
        added["depends_on"] = {str(other): {"condition": "service_started"} for other in waits}
    if name in idle:
        added["entrypoint"] = list(WAIT[:1])
        added["command"] = list(WAIT[1:])
    return added


def _labelled(declared: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """A network or volume as it was declared, with our labels.

    docker-compose 1.29 takes the later declaration of a name whole and merges nothing.
    """
    has = declared.get("labels") or {}
    if not isinstance(has, Mapping):
        has = dict(str(entry).partition("=")[::2] for entry in has)
    return {**declared, "labels": {**has, **_literal(labels)}}


def read(file: Path) -> dict[str, Any]:
    """The Compose file as plain values; reading the topology has checked its form."""
    documents = parse(file.read_bytes(), str(file))
    document: dict[str, Any] = plain(without_nulls(documents[0])) if documents else {}
    return document


def containers(api: Api, project: str, topology: Topology) -> dict[str, str]:
    """The container of each host of the topology. Raises CannotRun if Compose made none."""
    wanted = {"label": f"{PROJECT_LABEL}={project}"}
    found: dict[str, str] = {}
    with daemon_errors("looking for the hosts"):
        for entry in api.containers(all=True, filters=wanted):
            service = entry["Labels"][SERVICE_LABEL]
            found[service] = entry["Id"]
            found[f"{service}-{entry['Labels'][NUMBER_LABEL]}"] = entry["Id"]
    missing = [name for name in topology.names() if name not in found]
    if missing:
        raise CannotRun(f"Compose made no container for {', '.join(missing)}", "see its file")
    return {name: found[name] for name in topology.names()}


def service_of(host: str, document: Mapping[str, Any]) -> str:
    """The service that a host is, or is one of several containers of."""
    return host if host in document["services"] else host.rpartition("-")[0]


def copies(document: Mapping[str, Any], topology: Topology) -> dict[str, int]:
    """The services with several hosts, each with their number."""
    services = [service_of(name, document) for name in topology.names()]
    return {name: services.count(name) for name in services if services.count(name) > 1}


def _literal(value: Any) -> Any:
    """The value with its dollar signs doubled, so that Compose replaces nothing in it."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value]


def _with_owner(argv: tuple[str, ...]) -> list[str]:
    """The command, made to end with this process if the machine has setpriv(1).

    Otherwise a killed run could still make containers after the next run has looked for leftovers.
    """
    if not argv:
        raise CannotRun(
            "Compose is not installed", "apt-get install docker-compose, or docker-compose-plugin"
        )
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *argv] if setpriv else list(argv)


def _run(argv: Sequence[str], added: IO[str], file: Path, project: str, say: Progress) -> None:
    said: list[str] = []
    with subprocess.Popen(
        argv,
        stdin=added,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            assert process.stderr is not None
            for raw in process.stderr:
                line = raw.strip().replace(f"{project}_", "")
                if line:
                    said.append(line)
                    say(f"compose: {line}")
            status = process.wait(timeout=CREATE_LIMIT)
        finally:
            if process.poll() is None:
                process.kill()
    if status != 0:
        raise _failure(said, file)


def _failure(said: Sequence[str], file: Path) -> BadInput | CannotRun:
    """What Compose's last words mean: it refuses the file, or something broke."""
    text = " ".join(said[-6:])
    lower = text.lower()
    if any(
        word in lower for word in ("is invalid", "validating", "unsupported", "yaml", "undefined")
    ):
        told = " ".join(line for line in said if "error" not in line.lower()[:6]) or text
        return BadInput(f"{file}: Compose refuses it: {told[-400:]}", "fix the file")
    wrong = reason(said)
    return CannotRun(f"Compose could not make the hosts of {file}: {wrong}", remedy(wrong))
