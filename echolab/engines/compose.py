"""Compose, by its command line: makes the containers of any Compose file.

A run adds an override to the file: our labels, our images, idle hosts that wait for ever.
Compose then makes networks and containers but starts nothing; the engine starts them, all
hosts side by side, which is quicker and the same in every version of Compose.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import IO, Any

import yaml

from echolab.engines import Progress
from echolab.engines.daemon import remedy
from echolab.engines.images import Images
from echolab.engines.owner import Owner
from echolab.errors import BadInput, CannotRun
from echolab.topology import Topology

OWN_IMAGE = "echolab-host"
"""A service with this image gets the one whose tag is the hash of its sources."""

WAIT = ("sleep", "infinity")
"""What an idle host runs: it keeps the container, and with it the network, there."""

NEVER = "24h"
"""Interval of the daemon's own health checks: later than any run ends. The engine makes
the check itself, at once, and no check then disturbs what is measured."""

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"

CREATE_LIMIT = 900.0
"""Seconds for Compose, which builds and pulls the images of somebody else's file."""


@functools.cache
def command() -> tuple[str, ...]:
    """How Compose is called here: `docker compose`, or docker-compose; empty for neither."""
    if shutil.which("docker"):
        asked = subprocess.run(
            ["docker", "compose", "version"], capture_output=True, timeout=30, check=False
        )
        if asked.returncode == 0:
            return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else ()


def create(
    file: Path, override: Mapping[str, Any], project: str, copies: Mapping[str, int], say: Progress
) -> None:
    """Make the networks and containers of a Compose file and start none.

    `copies` says of how many containers a service with more than one consists. Raises
    BadInput for what Compose does not accept, CannotRun where it fails.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as added:
        # A file without a name: whatever ends this process, nothing of it is left.
        json.dump(override, added)
        added.flush()
        argv = [
            *_with_owner(command()),
            *("--file", str(file), "--file", "/dev/stdin"),
            *("--project-directory", str(file.parent), "--project-name", project),
            *("up", "--no-start"),
            *(word for name, count in copies.items() for word in ("--scale", f"{name}={count}")),
        ]
        _run(argv, added, file, say)


def override(
    document: Mapping[str, Any],
    topology: Topology,
    images: Images,
    owner: Owner,
    folders: Sequence[str] = (),
) -> dict[str, Any]:
    """What a run adds to a Compose file, as another Compose file."""
    idle = {service_of(host.name, document) for host in topology.hosts if host.idle}
    services = {
        str(name): _service(str(name), service, idle, images, owner, folders)
        for name, service in document["services"].items()
    }
    added: dict[str, Any] = {"services": services}
    for part, implied in (("networks", {"default": None}), ("volumes", {})):
        declared = document.get(part) or implied
        ours = {
            str(name): _labelled(value or {}, owner.labels(part.rstrip("s")))
            for name, value in declared.items()
            if not (value or {}).get("external")
        }
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
    owner: Owner,
    folders: Sequence[str],
) -> dict[str, Any]:
    added: dict[str, Any] = {"labels": _literal(owner.labels("host"))}
    if service.get("image") in (OWN_IMAGE, f"{OWN_IMAGE}:latest"):
        added["image"] = images.host
        added["pull_policy"] = "never"
    if folders:
        added["volumes"] = _literal([f"{folder}:{folder}:ro" for folder in folders])
    if name in idle:
        added["entrypoint"] = list(WAIT[:1])
        added["command"] = list(WAIT[1:])
    if "healthcheck" in service:
        added["healthcheck"] = {"interval": NEVER}
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
    """The Compose file as plain values; its form was checked when the topology was read."""
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def waves(document: Mapping[str, Any], topology: Topology) -> list[list[str]]:
    """The hosts in the order in which they start: each after those that it depends on.

    Idle hosts start nothing, so they need not wait. Raises BadInput for a circle.
    """
    needs: dict[str, set[str]] = {}
    for host in topology.hosts:
        service = service_of(host.name, document)
        wanted = set() if host.idle else set(document["services"][service].get("depends_on", ()))
        needs[host.name] = {
            name for name in topology.names() if service_of(name, document) in wanted
        }
    order: list[list[str]] = []
    while needs:
        ready = [name for name, wanted in needs.items() if not wanted & needs.keys()]
        if not ready:
            raise BadInput(
                f"{topology.file}: {', '.join(needs)} wait for each other", "see depends_on"
            )
        order.append(ready)
        for name in ready:
            del needs[name]
    return order


def service_of(host: str, document: Mapping[str, Any]) -> str:
    """The service whose container, or one of whose containers, a host is."""
    return host if host in document["services"] else host.rpartition("-")[0]


def copies(document: Mapping[str, Any], topology: Topology) -> dict[str, int]:
    """The services that are several hosts, each with their number."""
    services = [service_of(name, document) for name in topology.names()]
    return {name: services.count(name) for name in services if services.count(name) > 1}


def _literal(value: Any) -> Any:
    """The value with its dollar signs doubled, so that Compose puts nothing in their place."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value]


def _with_owner(argv: tuple[str, ...]) -> list[str]:
    """The command, made to end with this process where the machine has setpriv(1).

    Otherwise a run that was killed would go on to make containers after the next run had
    looked for leftovers.
    """
    if not argv:
        raise CannotRun(
            "Compose is not installed", "apt-get install docker-compose, or docker-compose-plugin"
        )
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *argv] if setpriv else list(argv)


def _run(argv: Sequence[str], added: IO[str], file: Path, say: Progress) -> None:
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
                line = raw.strip()
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
    """What Compose's last words mean: a file that it refuses, or something that broke."""
    text = " ".join(said[-6:])
    lower = text.lower()
    if any(
        word in lower for word in ("is invalid", "validating", "unsupported", "yaml", "undefined")
    ):
        reason = " ".join(line for line in said if "error" not in line.lower()[:6]) or text
        return BadInput(f"{file}: Compose refuses it: {reason[-400:]}", "mend the file")
    wrong = next((line for line in reversed(said) if "error" in line.lower()), text)
    return CannotRun(f"Compose could not make the hosts of {file}: {wrong[-400:]}", remedy(text))
