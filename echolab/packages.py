"""The machine's own packages that a first run needs, installed where the user may do so."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from echolab.engines import Progress, Settings
from echolab.kernel import build
from echolab.kernel.command import ENVIRONMENT, follow

LIMIT = 900.0
"""Seconds that apt-get may take: a slow mirror sends a compiler in that time."""

PATH = ENVIRONMENT["PATH"]
"""Where this machine's packages put their programs."""

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
        words = ("install", "-yq", "--no-install-recommends", *wanted)
        with tempfile.TemporaryDirectory(prefix="echolab-packages-") as folder:
            for arguments in (("update", "-q"), words):
                follow(
                    ["apt-get", *arguments],
                    folder=Path(folder),
                    what="installing what a first run needs",
                    remedy=f"run: apt-get {' '.join(words)}",
                    limit=LIMIT,
                )
