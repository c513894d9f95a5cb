"""The images of hosts and links: built where they are missing or their sources changed.

The base is the image that `.env` names (BASE_IMAGE), otherwise `debian:trixie-slim`. Where
no registry can be reached it is made from Debian's packages by mmdebstrap(1), under a name
of our own, and `.env` then says so, for Compose too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException

from echolab.engines import Progress
from echolab.engines.attached import Api
from echolab.engines.daemon import connect, daemon_errors
from echolab.errors import BadInput, CannotRun

ROOT = Path(__file__).resolve().parents[2]
"""The folder with `compose.yaml`, `images/` and `echo_app/`."""

DEFAULT_BASE = "debian:trixie-slim"
OWN_BASE = "echolab-base"
RELEASE = "trixie"
PULL_LIMIT = 60.0
"""Seconds of silence after which a registry counts as out of reach."""

MAKE_LIMIT = 600.0
"""Seconds after which mmdebstrap counts as hung: a slow mirror sends 60 MB in that time."""

KEPT = 4
"""Images of each kind that are kept when their sources change."""

LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
"""Folders of /usr/share that Debian's slim images leave out, too."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What one image is made of: its Dockerfile, and the files that it copies."""

    name: str
    dockerfile: Path
    context: Path
    copied: tuple[str, ...]

    def files(self) -> list[Path]:
        """The files of the build, sorted, the Dockerfile first."""
        found = {path for pattern in self.copied for path in self.context.glob(pattern)}
        return [self.dockerfile, *sorted(path for path in found if path.is_file())]

    def packages(self) -> tuple[str, ...]:
        """The Debian packages that the Dockerfile asks for (`ARG PACKAGES`)."""
        text = self.dockerfile.read_text(encoding="utf-8")
        match = re.search(r'^ARG PACKAGES="([^"]*)"$', text, re.MULTILINE)
        if match is None:
            raise BadInput(f"{self.dockerfile} has no line ARG PACKAGES=…", "restore the file")
        return tuple(match[1].split())


def recipes(root: Path = ROOT) -> tuple[Recipe, Recipe]:
    """The recipes of the host image and of the link image."""
    host = Recipe(
        "echolab-host",
        root / "images/host/Dockerfile",
        root,
        ("echo_app/**/*.py", "echo_app/**/*.c", "echo_app/**/Makefile"),
    )
    link = Recipe("echolab-link", root / "images/link/Dockerfile", root / "images/link", ("*.py",))
    return host, link


@dataclasses.dataclass(frozen=True)
class Images:
    """The names of the images that a run uses; each tag is a hash of what is in it."""

    host: str
    link: str


def ensure(progress: Progress, root: Path = ROOT) -> Images:
    """The images, built first where one is missing or older than its sources.

    Raises CannotRun where the base can be had neither from a registry nor from packages.
    """
    api = connect()
    with daemon_errors("building the images"):
        base = ensure_base(api, progress, root)
        names = [_ensure_image(api, recipe, base, progress) for recipe in recipes(root)]
    return Images(*names)


def ensure_base(api: Api, progress: Progress, root: Path = ROOT) -> str:
    """The name of the base image, which is then there: pulled or made, once."""
    environment = root / ".env"
    chosen = read_setting(environment, "BASE_IMAGE")
    own = _own_base(root)
    if chosen is not None and not chosen.startswith(f"{OWN_BASE}:"):
        if not _present(api, chosen):
            _pull(api, chosen, progress)
        return chosen
    if chosen is None and (_present(api, DEFAULT_BASE) or _try_pull(api, progress)):
        return DEFAULT_BASE
    if not _present(api, own):
        make_base(api, own, progress, root)
    if chosen != own:
        write_setting(environment, "BASE_IMAGE", own)
    return own


def make_base(api: Api, name: str, progress: Progress, root: Path = ROOT) -> None:
    """Make the base from Debian's packages, with all that both images need.

    The packages come from the mirror of this machine's own apt where that is Debian's.
    Raises CannotRun, with mmdebstrap's last words, where it fails.
    """
    if shutil.which("mmdebstrap") is None:
        raise CannotRun(
            f"the base image cannot be had: no registry answers for {DEFAULT_BASE}, "
            "and mmdebstrap is not installed",
            "apt-get install mmdebstrap",
        )
    packages = sorted({name for recipe in recipes(root) for name in recipe.packages()})
    with tempfile.TemporaryDirectory(prefix="echolab-base-") as folder:
        archive = Path(folder) / "base.tar"
        argv = [
            "mmdebstrap",
            "--variant=apt",
            f"--include={','.join(packages)}",
            *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in LEFT_OUT),
            RELEASE,
            str(archive),
            *_mirrors(),
        ]
        _watch(argv, lambda line: progress(f"base image from packages: {line}"))
        progress("base image from packages: importing")
        repository, _, tag = name.partition(":")
        api.import_image_from_file(
            str(archive),
            repository=repository,
            tag=tag,
            changes=["LABEL echolab=image", "CMD bash"],
        )
    if not _present(api, name):
        raise CannotRun(f"the Docker daemon did not import {name}", "see the daemon's log")


def read_setting(file: Path, name: str) -> str | None:
    """The value of NAME=VALUE in a file such as `.env`; None where it is not there."""
    if not file.is_file():
        return None
    for line in file.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip() == name:
            return value.strip().strip("'\"") or None
    return None


def write_setting(file: Path, name: str, value: str) -> None:
    """Set NAME=VALUE in such a file and leave its other lines as they are."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    kept = [line for line in lines if line.partition("=")[0].strip() != name]
    text = "\n".join([*kept, f"{name}={value}"]) + "\n"
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=".env-", delete=False, encoding="utf-8"
    ) as half:
        half.write(text)
    Path(half.name).chmod(0o644)
    Path(half.name).replace(file)


def _own_base(root: Path) -> str:
    packages = sorted({name for recipe in recipes(root) for name in recipe.packages()})
    stamp = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    return f"{OWN_BASE}:{RELEASE}-{stamp}"


def _present(api: Api, name: str) -> bool:
    return api.image_id(name) is not None


def _pull(api: Api, name: str, progress: Progress) -> None:
    progress(f"pulling {name}")
    try:
        api.pull(name)
    except DockerException as error:
        raise CannotRun(
            f"the base image {name} cannot be pulled: {_first_line(error)}",
            "take the line BASE_IMAGE out of .env; a base is then made from packages",
        ) from None


def _try_pull(api: Api, progress: Progress) -> bool:
    progress(f"pulling {DEFAULT_BASE}")
    patient = connect(timeout=PULL_LIMIT)
    try:
        patient.pull(DEFAULT_BASE)
    except (DockerException, OSError):
        progress("no registry answers: the base image is made from Debian's packages")
        return False
    finally:
        patient.close()
    return True


def _mirrors() -> Sequence[str]:
    """Debian's mirror as this machine's apt has it; empty lets mmdebstrap choose."""
    argv = [
        *("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)"),
        "Created-By: Packages",
    ]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = [line.split() for line in done.stdout.splitlines()]
    return [words[0] for words in found if words[1:] == ["Debian", "Debian"]][:1]


def _watch(argv: Sequence[str], say: Callable[[str], None]) -> None:
    """Run a command that takes long and pass on each line it says; raise on its failure."""
    said: list[str] = []
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        limit = threading.Timer(MAKE_LIMIT, process.terminate)
        limit.start()
        try:
            assert process.stderr is not None
            for raw in process.stderr:
                said.append(raw.strip().removeprefix("I: "))
                say(said[-1])
        finally:
            limit.cancel()
            if process.poll() is None:
                process.terminate()
    if process.returncode != 0:
        errors = [line for line in said if line.startswith("E:")] or said[-1:]
        raise CannotRun(f"{argv[0]} failed: {' '.join(errors[-1:])}", "mend that, then again")


def _ensure_image(api: Api, recipe: Recipe, base: str, progress: Progress) -> str:
    name = f"{recipe.name}:{stamp(recipe, api.image_id(base))}"
    if not _present(api, name):
        _build(api, recipe, name, base, progress)
    if api.image_id(recipe.name) != api.image_id(name):
        # Compose, called by hand, asks for the image without a tag.
        api.tag(name, recipe.name, "latest")
    return name


def _build(api: Api, recipe: Recipe, name: str, base: str, progress: Progress) -> None:
    progress(f"building the image {recipe.name}")
    stream = api.build(
        fileobj=_context(recipe),
        custom_context=True,
        dockerfile="Dockerfile",
        tag=name,
        buildargs={"BASE_IMAGE": base},
        rm=True,
        forcerm=True,
        decode=True,
    )
    for event in stream:
        _report(event, recipe, progress)
    _forget_old(api, recipe)


def _forget_old(api: Api, recipe: Recipe) -> None:
    """Remove the oldest images of a recipe; the newest stay, for runs that are under way."""
    found = api.images(recipe.name, filters={"label": "echolab=image"})
    for image in sorted(found, key=lambda image: -image["Created"])[KEPT:]:
        for name in image["RepoTags"] or ():
            with contextlib.suppress(APIError):  # in use, or already gone
                api.remove_image(name)


def _report(event: dict[str, Any], recipe: Recipe, progress: Progress) -> None:
    if "error" in event:
        raise CannotRun(
            f"the image {recipe.name} cannot be built: {event['error'].strip()}",
            f"see {recipe.dockerfile}",
        )
    line = str(event.get("stream", "")).strip()
    if line.startswith("Step "):
        progress(f"{recipe.name}: {line}")


def stamp(recipe: Recipe, base: str | None) -> str:
    """The tag of an image: it changes with every file of it, and with its base."""
    digest = hashlib.sha256(f"{base}\n".encode())
    for file in recipe.files():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{_inside(recipe, file)} {content}\n".encode())
    return digest.hexdigest()[:12]


def _inside(recipe: Recipe, file: Path) -> str:
    return (
        "Dockerfile" if file == recipe.dockerfile else file.relative_to(recipe.context).as_posix()
    )


def _context(recipe: Recipe) -> io.BytesIO:
    """The build's files as a tar archive that depends on their names and content alone."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in recipe.files():
            entry = tarfile.TarInfo(_inside(recipe, file))
            content = file.read_bytes()
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)
    return archive


def _first_line(error: Exception) -> str:
    text = error.explanation if isinstance(error, APIError) and error.explanation else str(error)
    return str(text).strip().splitlines()[0]
