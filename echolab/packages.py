"""The Debian packages that a first run needs, installed if the user may install them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from echolab.engines.registry import Needs
from echolab.kernel import build
from echolab.kernel.command import ENVIRONMENT, follow
from echolab.progress import Progress
from echolab.settings import Settings

LIMIT = 900.0
"""Seconds that apt-get may take: a slow mirror sends a compiler in that time."""

PATH = ENVIRONMENT["PATH"]
"""Where this machine's packages put their programs."""

USED = {"tc": "iproute2", "strace": "strace"}
"""The tools of this machine that labs use, and their packages."""

ALL = Needs.IMAGES | Needs.TOOLS | Needs.KERNEL


def may_install() -> bool:
    """Whether this user can install packages without being asked for a password."""
    return os.geteuid() == 0 and shutil.which("apt-get", path=PATH) is not None


def missing(settings: Settings, needs: Needs = ALL) -> tuple[str, ...]:
    """The packages lacking here for what is needed."""
    wanted = set()
    if Needs.TOOLS in needs:
        wanted |= {package for tool, package in USED.items() if not shutil.which(tool, path=PATH)}
    if Needs.KERNEL in needs and build.find(settings.cache, settings.kernel) is None:
        wanted |= set(build.packages_for(build.missing_tools()))
    if (
        Needs.IMAGES in needs
        and shutil.which("docker")
        and not shutil.which("mmdebstrap", path=PATH)
    ):
        wanted.add("mmdebstrap")
    return tuple(sorted(wanted))


def ensure(settings: Settings, progress: Progress, needs: Needs = ALL) -> None:
    """Install what is missing if the user may; otherwise whatever needs it says what to do.

    Raises CannotRun, with what apt-get said, if the installation fails.
    """
    wanted = missing(settings, needs)
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
