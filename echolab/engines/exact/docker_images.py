"""Images that a Docker daemon has: built where the file says so, and exported."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from docker.errors import APIError, DockerException
from requests import RequestException

from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import connect, daemon_errors
from echolab.engines.docker.owner import LABEL
from echolab.errors import BadInput, CannotRun
from echolab.files import Build
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.roots import archive, store
from echolab.roots.store import Root

SILENCE = 60.0
"""Seconds of silence after which a registry counts as out of reach."""


class NotThere(Exception):
    """The daemon does not have the image and cannot get it; the text says why."""


@contextlib.contextmanager
def daemon() -> Iterator[Api]:
    """The daemon's API. Raises NotThere if none answers."""
    try:
        api = connect(timeout=SILENCE)
    except CannotRun as error:
        raise NotThere(error.message) from None
    try:
        yield api
    finally:
        api.close()


def identity(api: Api, name: str, progress: Progress) -> str:
    """The identity of an image, which is pulled if it is missing. Raises NotThere."""
    with daemon_errors(f"looking for the image {name}"):
        found = api.image_id(name)
    if found is not None:
        return found
    progress(_("pulling {image}").format(image=name))
    try:
        api.pull(name)
        found = api.image_id(name)
    except (DockerException, RequestException, OSError) as error:
        said = str(getattr(error, "explanation", None) or error).strip().splitlines()
        raise NotThere(said[0] if said else type(error).__name__) from None
    if found is None:
        raise NotThere("the daemon did not pull it")
    return found


def built(api: Api, build: Build, where: str, progress: Progress) -> str:
    """The identity of the image that the daemon builds. Raises BadInput if that fails."""
    if not Path(build.context).is_dir():
        raise BadInput(
            f"{where}: there is no folder {build.context} to build in", "fix 'build.context'"
        )
    progress(_("building {what}").format(what=where))
    with contextlib.ExitStack() as undo, daemon_errors(f"building {where}"):
        dockerfile = build.dockerfile
        if build.inline is not None:
            file = undo.enter_context(tempfile.NamedTemporaryFile("w", encoding="utf-8"))
            file.write(build.inline)
            file.flush()
            dockerfile = file.name
        events = api.build(
            path=build.context,
            dockerfile=dockerfile,
            buildargs=dict(build.arguments),
            target=build.target,
            labels={LABEL: "image"},
            rm=True,
            forcerm=True,
            decode=True,
        )
        try:
            return _identity(events, where, progress)
        except APIError as error:  # a Dockerfile that is not valid
            raise _not_built(where, str(error.explanation)) from None


def _identity(events: Iterator[Mapping[str, Any]], where: str, progress: Progress) -> str:
    found = ""
    for event in events:
        if "error" in event:
            raise _not_built(where, str(event["error"]))
        line = str(event.get("stream", "")).strip()
        if line:
            progress(f"{_('building {what}').format(what=where)}: {line}")
        if line.startswith("Successfully built "):
            found = found or line.rpartition(" ")[2]
        if isinstance(event.get("aux"), dict):
            found = str(event["aux"].get("ID", found))
    if not found:
        raise CannotRun(f"{where}: the daemon did not tell which image it built", "build it first")
    return found


def _not_built(where: str, said: str) -> BadInput:
    return BadInput(
        f"{where}: the image cannot be built: {' '.join(said.split())}",
        "fix the Dockerfile, or build the image first and name it in 'image'",
    )


def exported(api: Api, name: str, image: str, cache: Path, progress: Progress) -> Root:
    """The root of an image that the daemon has, exported once and kept; `image` is its identity."""
    with daemon_errors(f"exporting the image {name}"):
        image = api.image_id(image) or image
    digest = store.known(cache, f"docker {image}") or image
    found = store.find(cache, digest)
    if found is not None:
        return found
    progress(_("exporting the image {image}").format(image=name))
    with contextlib.ExitStack() as undo:
        file = cast(IO[bytes], undo.enter_context(tempfile.TemporaryFile(dir=store.room(cache))))
        with daemon_errors(f"exporting the image {name}"):
            for part in api.get_image(image):
                file.write(part)
            file.flush()
        path = Path(f"/proc/self/fd/{file.fileno()}")
        exported = undo.enter_context(archive.find(path, name, f"the image {name}"))
        progress(_("unpacking the image {image}").format(image=name))
        root = store.unpack(cache, exported)
    store.remember(cache, f"docker {image}", root.digest)
    return root
