"""The roots of a job's hosts: each image's files, from wherever they are available.

An image is looked for first among what the user named (`--root NAME=PATH`), then with Docker,
which exports it once, and last among those exported before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.exact import docker_images, mounts
from echolab.engines.exact.docker_images import NotThere
from echolab.errors import BadInput, CannotRun
from echolab.files import Image
from echolab.files import Root as HostRoot
from echolab.job import Job
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.roots import accounts, archive, folder, reference, store
from echolab.roots.store import Root
from echolab.settings import Settings
from echolab.topology import Health, Host, Topology

DIGEST = "sha256:"


def have(job: Job, settings: Settings, progress: Progress) -> Job:
    """The job with the roots of all its hosts.

    Raises BadInput for an archive or a folder that cannot be used, and for a user that an image
    does not have; CannotRun for an image that is not available, with what would provide it.
    """
    topology = mounts.checked(job.topology, settings)
    _check_names(topology, settings.roots)
    found: dict[str, Root] = {}
    hosts = []
    for host in topology.hosts:
        if host.image is None and _given(host, settings.roots):
            host = dataclasses.replace(host, image=Image())
        if host.image is not None:
            source = host.image.name or _service(host)
            if source not in found:
                found[source] = _root(host, topology, settings, progress)
            host = _with_root(host, found[source], topology)
        hosts.append(host)
    return dataclasses.replace(job, topology=dataclasses.replace(topology, hosts=tuple(hosts)))


def _root(host: Host, topology: Topology, settings: Settings, progress: Progress) -> Root:
    """The root of a host's image."""
    assert host.image is not None
    given = _given(host, settings.roots)
    if given.startswith(DIGEST):
        found = store.find(settings.cache, given)
        if found is not None:
            return found
    elif given:
        return _of_path(Path(given), host.image.name or host.name, settings, progress)
    where = f"{topology.file}: services.{_service(host)}"
    try:
        with docker_images.daemon() as api:
            if host.image.build is not None and not _there(api, host.image.name):
                image = docker_images.built(api, host.image.build, f"{where}.build", progress)
            else:
                image = docker_images.identity(api, host.image.name, progress)
            root = docker_images.exported(
                api, host.image.name or _service(host), image, settings.cache, progress
            )
    except NotThere as why:
        return _kept_before(host.image, where, str(why), settings, progress)
    if host.image.name:
        store.remember(settings.cache, f"image {reference.whole(host.image.name)}", root.digest)
    return root


def _there(api: Api, name: str) -> bool:
    with daemon_errors(f"looking for the image {name}"):
        return bool(name) and api.image_id(name) is not None


def _kept_before(
    image: Image, where: str, why: str, settings: Settings, progress: Progress
) -> Root:
    """The root that an image of that name had when it was last exported."""
    digest = store.known(settings.cache, f"image {reference.whole(image.name)}")
    found = store.find(settings.cache, digest) if digest and image.name else None
    if found is not None:
        kept = _("{image}: {why}; the root that was kept before is used ({digest})")
        progress(kept.format(image=image.name, why=why, digest=digest))
        return found
    if not image.name:
        raise CannotRun(
            f"{where}.build: nothing here can build the image: {why}",
            f"start Docker, or bring the image: --root {where.rpartition('.')[2]}=FOLDER "
            "(or an archive of `docker save`)",
        )
    raise CannotRun(
        f"{where}.image: {image.name} cannot be had: {why}",
        f"docker pull {image.name}, or bring it: --root {image.name}=FOLDER (or an archive "
        "of `docker save`)",
    )


def _given(host: Host, roots: Mapping[str, str]) -> str:
    """What the user provides for a host; "" for nothing."""
    return next((path for name, path in roots.items() if _means(name, host)), "")


def _means(name: str, host: Host) -> bool:
    """Whether `--root NAME=PATH` means this host: by its image's name, or its service's."""
    image = host.image.name if host.image else ""
    same = bool(image) and reference.whole(name) == reference.whole(image)
    return same or name in (host.name, _service(host))


def _check_names(topology: Topology, roots: Mapping[str, str]) -> None:
    for name, path in roots.items():
        if not path.startswith(DIGEST) and not any(_means(name, host) for host in topology.hosts):
            images = dict.fromkeys(host.image.name for host in topology.hosts if host.image)
            there = ", ".join(filter(None, images)) or "name a service instead"
            raise BadInput(
                f"--root {name}=…: {topology.file} has no such image",
                f"it has {there}" if images else there,
            )


def _service(host: Host) -> str:
    """The service that a host belongs to."""
    name, dash, number = host.name.rpartition("-")
    return name if dash and number.isdigit() else host.name


def _of_path(path: Path, name: str, settings: Settings, progress: Progress) -> Root:
    """The root in an archive or a folder."""
    if path.is_dir() and not archive.is_layout(path):
        return folder.keep(settings.cache, path)
    key = store.stamp(path, name)
    digest = None if path.is_dir() else store.known(settings.cache, key)
    found = store.find(settings.cache, digest) if digest else None
    if found is not None:
        return found
    progress(_("unpacking {what}").format(what=path))
    with archive.find(path, name, str(path)) as image:
        root = store.unpack(settings.cache, image)
    store.remember(settings.cache, key, root.digest)
    return root


def _with_root(host: Host, root: Root, topology: Topology) -> Host:
    """The host, with the settings of its image and of the file combined."""
    image = host.image
    assert image is not None
    words = root.config
    where = f"{topology.file}: {host.name}"
    person = accounts.find(host.user or words.user, host.groups, root.passwd, root.group, where)
    if image.entrypoint is not None:
        command = (*image.entrypoint, *(image.command or ()))
    else:
        command = (*words.entrypoint, *(words.command if image.command is None else image.command))
    if not command and not host.idle:
        raise BadInput(f"{where}: neither its image nor the file says what runs", "add a 'command'")
    variables = {name: text for name, text in words.environment.items() if name not in image.unset}
    return dataclasses.replace(
        host,
        command=command,
        environment={**variables, **host.environment},
        user=f"{person.uid}:{person.gid}",
        groups=tuple(map(str, person.groups)),
        workdir=host.workdir or words.workdir or "/",
        health=_health(host.health, words.health) if image.tested else None,
        root=HostRoot(
            image.name or host.name, root.digest, str(root.files), str(root.entries), person.home
        ),
    )


def _health(said: Health | None, image: Health | None) -> Health | None:
    """How a host is tested, by what the file and the image say of it; None without a test."""
    found = said.completed(image) if said else image.completed() if image else None
    return found if found and found.test else None
