"""The images of hosts and links: built if they are missing or their sources have changed.

The base is the image named in a settings file (BASE_IMAGE), otherwise `debian:trixie-slim`. If no
registry can be reached, mmdebstrap(1) makes it from Debian's packages, under a name of our own,
which is then written to that file. In a checkout the file is the `.env` beside `compose.yaml`, so
that Compose reads it, too (echolab.settings).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException

from echolab import resources
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import connect, daemon_errors
from echolab.errors import BadInput, CannotRun
from echolab.language import later
from echolab.language import translate as _
from echolab.progress import Progress, left, ticking
from echolab.settings import Settings

DEFAULT_BASE = "debian:trixie-slim"
OWN_BASE = "echolab-base"
RELEASE = "trixie"
PULL_LIMIT = 60.0
"""Seconds of silence after which a registry counts as out of reach."""

MAKE_LIMIT = 1800.0
"""Seconds after which mmdebstrap counts as hung: an emulated machine takes ten minutes."""

KEPT = 4
"""How many images of each kind are kept when their sources change."""

BUILD = f"{resources.COMMAND} build images"
"""The command that makes the base, once for all users of the daemon."""

LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
"""Folders of /usr/share that Debian's slim images leave out, too."""


ONCE = later("building the images, once")
"""Short, so that what follows fits a terminal of 80 columns: phase, share and time left."""

STEP = re.compile(r"Step (\d+)/(\d+) ")

PHASES = {
    "running apt-get update": (0.02, later("reading lists")),
    "downloading packages": (0.1, later("downloading")),
    "extracting archives": (0.4, later("unpacking")),
    "installing essential packages": (0.5, later("installing the first packages")),
    "installing remaining packages": (0.6, later("installing packages")),
    "creating tarball": (0.9, later("packing")),
}
"""What mmdebstrap reports, the share of its time that has passed by then, and our word for it."""


def _how_far(share: float, phase: str) -> str:
    """How far the base is."""
    return _("{once}: base {share}, {phase}").format(
        once=_(ONCE), share=f"{share:.0%}", phase=phase
    )


class _Making:
    """How far mmdebstrap has come, by its own reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._share, self._phase = 0.0, later("beginning")

    def hear(self, line: str) -> None:
        for words, reached in PHASES.items():
            if words in line:
                self._share, self._phase = reached

    def tell(self, passed: float) -> None:
        rest = left(passed, self._share)
        self._progress(_how_far(self._share, _(self._phase)) + rest)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What an image is made from: its Dockerfile, and the files that it copies."""

    name: str
    dockerfile: Path
    context: Path
    copied: tuple[str, ...]

    def files(self) -> list[Path]:
        """The files of the build, sorted, the Dockerfile first."""
        found = {path for pattern in self.copied for path in self.context.glob(pattern)}
        return [self.dockerfile, *sorted(path for path in found if path.is_file())]

    def packages(self) -> tuple[str, ...]:
        """The Debian packages that the Dockerfile requests (`ARG PACKAGES`)."""
        text = self.dockerfile.read_text(encoding="utf-8")
        match = re.search(r'^ARG PACKAGES="([^"]*)"$', text, re.MULTILINE)
        if match is None:
            raise BadInput(f"{self.dockerfile} has no line ARG PACKAGES=…", "restore the file")
        return tuple(match[1].split())


def recipes(root: Path = resources.ROOT) -> tuple[Recipe, Recipe]:
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
    """The names of the images that a run uses; each tag is a hash of the image's content."""

    host: str
    link: str


def ensure(file: Path, progress: Progress, root: Path = resources.ROOT) -> Images:
    """The images, built first if one is missing or older than its sources below `root`.

    The name of the base is read from and written to `file`. Raises CannotRun if the base
    comes neither from a registry nor from packages.
    """
    api = connect()
    with daemon_errors("building the images"):
        base = ensure_base(api, file, progress, root)
        names = [_ensure_image(api, recipe, base, progress) for recipe in recipes(root)]
    return Images(*names)


def ensure_base(api: Api, file: Path, progress: Progress, root: Path = resources.ROOT) -> str:
    """The name of the base image, which then exists: pulled or made, once."""
    chosen = read_setting(file, "BASE_IMAGE")
    own = _own_base(root)
    if chosen is not None and not chosen.startswith(f"{OWN_BASE}:"):
        if not _present(api, chosen):
            _pull(api, chosen, file, progress)
        return chosen
    if chosen is None and (_present(api, DEFAULT_BASE) or _try_pull(api, progress)):
        return DEFAULT_BASE
    if not _present(api, own):
        make_base(api, own, progress, root)
    if chosen != own:
        write_setting(file, "BASE_IMAGE", own)
    return own


def make_base(api: Api, name: str, progress: Progress, root: Path = resources.ROOT) -> None:
    """Make the base from Debian's packages, with everything that both images need.

    Raises CannotRun as `make_image` does.
    """
    packages = sorted({name for recipe in recipes(root) for name in recipe.packages()})
    make_image(api, name, packages, progress)


def make_image(api: Api, name: str, packages: Sequence[str], progress: Progress) -> None:
    """Make an image with these Debian packages and the essential ones.

    The packages come from the mirror of this machine's own apt, if that is a Debian mirror.
    Raises CannotRun, with mmdebstrap's last words, if it fails.
    """
    if shutil.which("mmdebstrap") is None:
        raise CannotRun(
            f"the base image cannot be had: no registry answers for {DEFAULT_BASE}, "
            "and mmdebstrap is not installed",
            "apt-get install mmdebstrap",
        )
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
        made = _Making(progress)
        with ticking(made.tell):
            _watch(argv, made.hear)
        progress(_how_far(0.95, _("importing")))
        repository, _colon, tag = name.partition(":")
        api.import_image_from_file(
            str(archive),
            repository=repository,
            tag=tag,
            changes=["LABEL echolab=image", "CMD bash"],
        )
    if not _present(api, name):
        raise CannotRun(f"the Docker daemon did not import {name}", "see the daemon's log")


def read_setting(file: Path, name: str) -> str | None:
    """The value of NAME=VALUE in a file such as `.env`; None if it is missing."""
    if not file.is_file():
        return None
    for line in file.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip() == name:
            return value.strip().strip("'\"") or None
    return None


def write_setting(file: Path, name: str, value: str) -> None:
    """Set NAME=VALUE in such a file and leave its other lines as they are.

    Raises CannotRun if it cannot be written.
    """
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    kept = [line for line in lines if line.partition("=")[0].strip() != name]
    text = "\n".join([*kept, f"{name}={value}"]) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, prefix=".env-", delete=False, encoding="utf-8"
        ) as half:
            half.write(text)
        Path(half.name).chmod(0o644)
        Path(half.name).replace(file)
    except OSError as error:
        raise CannotRun(
            f"{file} cannot be written: {error.strerror}", f"write the line {name}={value} there"
        ) from None


def _own_base(root: Path) -> str:
    packages = sorted({name for recipe in recipes(root) for name in recipe.packages()})
    stamp = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    return f"{OWN_BASE}:{RELEASE}-{stamp}"


def _present(api: Api, name: str) -> bool:
    return api.image_id(name) is not None


def _pulling(name: str) -> str:
    return _("{once}: pulling {image}").format(once=_(ONCE), image=name)


def _pull(api: Api, name: str, file: Path, progress: Progress) -> None:
    try:
        with ticking(lambda _passed: progress(_pulling(name)), first=True):
            api.pull(name)
    except DockerException as error:
        raise CannotRun(
            f"the base image {name} cannot be pulled: {_first_line(error)}",
            f"take the line BASE_IMAGE out of {file}; a base is then made from packages",
        ) from None


def _try_pull(api: Api, progress: Progress) -> bool:
    patient = connect(timeout=PULL_LIMIT)
    try:
        with ticking(lambda _passed: progress(_pulling(DEFAULT_BASE)), first=True):
            patient.pull(DEFAULT_BASE)
    except (DockerException, OSError):
        progress(_("no registry answers: the base image is made from Debian's packages"))
        return False
    finally:
        patient.close()
    return True


def _mirrors() -> Sequence[str]:
    """The Debian mirror that this machine's apt uses; empty lets mmdebstrap choose."""
    argv = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(ORIGIN) $(LABEL)",
        "Created-By: Packages",
    ]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = [line.split() for line in done.stdout.splitlines()]
    return [words[0] for words in found if words[1:] == ["Debian", "Debian"]][:1]


def _watch(argv: Sequence[str], say: Callable[[str], None]) -> None:
    """Run a slow command and pass on each line that it prints; raise if it fails."""
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
        remedy = "fix that, then try again" if os.geteuid() == 0 else f"run once: sudo {BUILD}"
        raise CannotRun(f"{argv[0]} failed: {' '.join(errors[-1:])}", remedy)


def _ensure_image(api: Api, recipe: Recipe, base: str, progress: Progress) -> str:
    name = f"{recipe.name}:{stamp(recipe, api.image_id(base))}"
    if not _present(api, name):
        _build(api, recipe, name, base, progress)
    if api.image_id(recipe.name) != api.image_id(name):
        # Compose asks for the image without a tag when a user calls it.
        api.tag(name, recipe.name, "latest")
    return name


def _build(api: Api, recipe: Recipe, name: str, base: str, progress: Progress) -> None:
    progress(f"{_(ONCE)}: {recipe.name}")
    began = time.monotonic()
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
        _report(event, recipe, progress, time.monotonic() - began)
    _forget_old(api, recipe)


def _forget_old(api: Api, recipe: Recipe) -> None:
    """Remove the oldest images of a recipe; the newest stay, for runs that are under way."""
    found = api.images(recipe.name, filters={"label": "echolab=image"})
    for image in sorted(found, key=lambda image: -image["Created"])[KEPT:]:
        for name in image["RepoTags"] or ():
            with contextlib.suppress(APIError):  # in use, or already gone
                api.remove_image(name)


def _report(event: dict[str, Any], recipe: Recipe, progress: Progress, passed: float) -> None:
    if "error" in event:
        raise CannotRun(
            f"the image {recipe.name} cannot be built: {event['error'].strip()}",
            f"see {recipe.dockerfile}",
        )
    step = STEP.match(str(event.get("stream", "")))
    if step:
        number, of = int(step[1]), int(step[2])
        share = (number - 1) / of
        at = _("step {number} of {of}").format(number=number, of=of)
        progress(f"{_(ONCE)}: {recipe.name}, {at}, {share:.0%}{left(passed, share)}")


def check_roots(settings: Settings) -> None:
    """Raise BadInput for roots that the user brings: the daemon has its images by name."""
    for name, place in settings.roots.items():
        if not place.startswith("sha256:"):  # those of a record, which are by the way
            raise BadInput(
                f"--root {name}={place}: Docker has images of its own",
                f"run: docker load -i {place}, or docker import {place} {name}; or use the engine "
                "exact",
            )


def stamp(recipe: Recipe, base: str | None) -> str:
    """The tag of an image: it changes with each of its files, and with its base."""
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
