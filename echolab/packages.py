"""The machine's own packages that a first run needs, installed where the user may do so."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from echolab.engines import Progress, Settings
from echolab.errors import CannotRun
from echolab.kernel import build

LIMIT = 900.0
"""Seconds that apt-get may take: a slow mirror sends a compiler in that time."""

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where Debian's packages put their programs."""

USED = {"tc": "iproute2", "strace": "strace"}
"""What the guest calls, and the package that has it."""


def may_install() -> bool:
    """Whether this user can install packages without being asked for a password."""
    return os.geteuid() == 0 and shutil.which("apt-get", path=PATH) is not None


def missing(settings: Settings) -> tuple[str, ...]:
    """The packages that building the kernel and images and running a guest lack here."""
    wanted = {package for tool, package in USED.items() if not shutil.which(tool, path=PATH)}
    if build.find(settings.cache, settings.kernel) is None:
        wanted |= set(build.packages_for(build.missing_tools()))
    if shutil.which("docker") and not shutil.which("mmdebstrap", path=PATH):
        wanted.add("mmdebstrap")
    return tuple(sorted(wanted))


def ensure(settings: Settings, progress: Progress) -> None:
    """Install what is missing where the user may; elsewhere each part names its remedy.

    Raises CannotRun, with apt-get's own words, where it fails.
    """
    wanted = missing(settings)
    if wanted and may_install():
        progress(f"installing {', '.join(wanted)}")
        _apt(["update", "-q"])
        _apt(["install", "-yq", "--no-install-recommends", *wanted])


def _apt(words: Sequence[str]) -> None:
    argv = ["apt-get", *words]
    try:
        done = subprocess.run(
            argv,
            env={"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotRun(f"{' '.join(argv)} did not end", "run it by hand") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotRun(f"{' '.join(argv)} failed: {' '.join(said)}", "run it by hand")
