"""What people install: the wheel and the source distribution, each in an environment of its own.

Strategy: both are built once from this checkout. Each is installed by pip with what it needs
from the index, the wheel without compiled modules. What was installed then belongs to
another user than the one who runs the commands, and nobody may write to it; after each
command nothing there may have changed. Everything is in a folder that every user can reach.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from echolab import resources
from echolab.engines.docker import engine
from echolab.engines.docker.images import ensure
from echolab.kernel import build
from echolab.settings import Settings
from tests.needs import lacking

OTHER = 10007
"""A user who owns nothing but the folders that are given to him here."""

INSTALL_LIMIT = 300
COMMAND_LIMIT = 120

DOCKER_SOCKET = Path("/var/run/docker.sock")


@dataclasses.dataclass(frozen=True)
class Installed:
    """An installed echolab: its environment, the user's home and empty folder to work in."""

    environment: Path
    home: Path
    work: Path
    prefix: tuple[str, ...]
    """The words that make a command the other user's."""

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def run(self, *words: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; its status must be that, and nothing be written."""
        before = state(self.environment)
        program = self.environment / "bin" / words[0]
        done = subprocess.run(
            [*self.prefix, program, *words[1:]],
            cwd=self.work,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert state(self.environment) == before
        assert {path.name for path in self.home.iterdir()} <= {".cache"}
        return done

    def variables(self) -> Mapping[str, str]:
        """The environment of a user who has logged in and set nothing."""
        passed = {name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}
        return {
            "HOME": str(self.home),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            **passed,
        }

    def give(self, source: Path, name: str) -> Path:
        """Put a copy of a file or folder of the tests into the user's folder."""
        there = self.work / name
        if source.is_dir():
            shutil.copytree(source, there, dirs_exist_ok=True)
        else:
            shutil.copy(source, there)
        belong(self.work, self.owner)
        return there

    @property
    def owner(self) -> int:
        return self.home.stat().st_uid


def state(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Every path in a folder, with what changes when it is written to."""
    found = {}
    for place, _, names in os.walk(folder):
        for path in (place, *(f"{place}/{name}" for name in names)):
            status = os.lstat(path)
            found[path] = (status.st_size, status.st_mtime_ns)
    return found


def belong(folder: Path, user: int) -> None:
    """Give a folder and all in it to a user, where this one may do so."""
    if os.geteuid() == 0:
        for place, _, names in os.walk(folder):
            for path in (place, *(f"{place}/{name}" for name in names)):
                os.lchown(path, user, user)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that every user can reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="echolab-package-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
        subprocess.run(["chmod", "-R", "u+w", name], check=True)


@pytest.fixture(scope="session")
def distributions(folder: Path) -> Mapping[str, Path]:
    """The wheel and the source distribution, built from this checkout."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder / "dist"],
        cwd=resources.ROOT,
        check=True,
        capture_output=True,
        timeout=INSTALL_LIMIT,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    (source,) = (folder / "dist").glob("*.tar.gz")
    return {"wheel": wheel, "source": source}


@pytest.fixture(scope="session", params=["wheel", "source"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def installed(kind: str, folder: Path, distributions: Mapping[str, Path]) -> Installed:
    """The distribution, installed and closed to its user."""
    environment = folder / kind
    python = Path(os.path.realpath(sys.executable)) if kind == "wheel" else machines_python()
    install(python, environment, distributions[kind], ["--no-compile"] * (kind == "wheel"))
    prefix, user, owner = other_user(python)
    home, work = folder / f"{kind}-home", folder / f"{kind}-work"
    for place in (home, work):
        place.mkdir()
        belong(place, user)
    belong(environment, owner)
    subprocess.run(["chmod", "-R", "a-w", environment], check=True)
    return Installed(environment, home, work, tuple(prefix))


def machines_python() -> Path:
    """The interpreter that the machine itself has, or this one where that is too old."""
    usual = Path("/usr/bin/python3")
    asked = [str(usual), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if usual.exists() and subprocess.run(asked, check=False).returncode == 0:
        return Path(os.path.realpath(usual))
    return Path(os.path.realpath(sys.executable))


def install(python: Path, environment: Path, file: Path, options: Sequence[str]) -> None:
    """Make a virtual environment and install a distribution there with what it needs."""
    venv: list[str | Path] = [python, "-m", "venv", "--without-pip", environment]
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", environment, "install"]
    pip += [*options, str(file)]
    for argv in (venv, pip):
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=INSTALL_LIMIT, check=False
        )
        assert done.returncode == 0, done.stderr


def other_user(python: Path) -> tuple[list[str], int, int]:
    """How a command becomes another user's; who that is, and who owns what is installed.

    Where the interpreter is in a folder that is closed to others it is root without any
    capability, who may write to what is another's no more than anybody.
    """
    if os.geteuid() != 0:
        return [], os.geteuid(), os.geteuid()
    groups = [str(DOCKER_SOCKET.stat().st_gid)] if DOCKER_SOCKET.exists() else []
    argv = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}"]
    argv += [f"--groups={','.join(groups)}"] if groups else ["--clear-groups"]
    if subprocess.run([*argv, "test", "-r", str(python)], check=False).returncode == 0:
        return argv, OTHER, 0
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"], 0, OTHER


@pytest.fixture(scope="session")
def docker(guest: Installed) -> Installed:
    """The installed echolab where a Docker daemon answers."""
    here = Settings.from_environment(os.environ)
    lack = engine.lack(here)
    if lack is not None:
        lacking(f"{lack.what}; {lack.remedy}")
    # Where no registry answers only root can make the base.
    ensure(here.base_image_file, lambda line: None)
    if here.base_image_file.is_file():
        shutil.copy(here.base_image_file, guest.home / ".cache" / "echolab" / ".env")
        belong(guest.home, guest.owner)
    return guest


@pytest.fixture(scope="session")
def guest(installed: Installed) -> Installed:
    """The installed echolab with the guest kernel that was built before in its cache."""
    here = Settings.from_environment(os.environ)
    kernel = build.find(here.cache, here.kernel)
    if kernel is None:
        lacking("the guest kernel is not built; run: ./lab build kernel")
    cache = installed.home / ".cache" / "echolab" / "kernel"
    shutil.copytree(kernel.path.parent, cache / kernel.path.parent.name)
    belong(installed.home, installed.owner)
    return installed
