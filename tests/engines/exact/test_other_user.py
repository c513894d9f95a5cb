"""A root is the same whoever runs the lab, also the files that belong to others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab import resources
from echolab.kernel import build
from echolab.settings import Settings
from tests.needs import lacking
from tests.roots.archives import entry, folder
from tests.roots.busybox import image

pytestmark = pytest.mark.exact

OTHER = 12345

SCRIPT = '''"""Tells all about its files."""
from echolab import Lab, scenario

@scenario(measured=False)
def tells(lab: Lab) -> None:
    look = "busybox find / -xdev -exec busybox stat -c '%n %a %u %g %i %s %X %Y %Z' {} +"
    done = lab.run("a", ["busybox", "sh", "-c", look])
    print(done.stdout, done.stderr)
    print(lab.run("b", ["busybox", "sh", "-c", "cat /own; cat /closed; rm /own; id"]).stdout)
    lab.expect("it was told", True)
'''

COMPOSE = """
services:
  a: {image: busy, x-echolab: idle, user: "0"}
  b: {image: busy, x-echolab: idle, user: app}
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="echolab-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def interpreter() -> Path:
    """A Python of this version that every user may run."""
    if os.geteuid() != 0:
        return Path(sys.executable)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    as_other = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
    for path in (Path(sys.executable), Path("/usr/bin", name), Path("/usr/local/bin", name)):
        if not subprocess.run(
            [*as_other, "env", path, "-c", "import json"], check=False
        ).returncode:
            return path
    return lacking(f"there is no {name} that another user may run")


def told(place: Path, python: Path, user: int, kernel: Path) -> str:
    """What the script prints when that user runs it."""
    home = place / f"home-{user}"
    home.mkdir()
    shutil.chown(home, user, user)
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [
            *("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"),
            *(python, "-m", "echolab", "run", place / "lab.py", "--engine", "exact"),
            *("--compose", place / "compose.yaml", "--root", f"busy={place / 'busy.tar'}"),
            *("--seed", "1", "--no-report", "--out", home / "runs"),
        ],
        cwd=home,
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join([str(resources.ROOT), *libraries]),
            "ECHOLAB_KERNEL": str(kernel),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    printed = [line for line in lines if line.startswith(("/", "own", "uid"))]
    assert len(printed) > 30, done.stderr
    return "\n".join(printed)


def test_owners_modes_times_and_order_are_the_same_for_every_user(place: Path) -> None:
    if os.geteuid() != 0:
        lacking("only root can run it as somebody else, too")
    usual = Settings.from_environment(os.environ)
    found = build.find(usual.cache, usual.kernel)
    if found is None:
        lacking("the guest kernel is not built")
    kernel = found.path
    shutil.copytree(kernel.parent, place / "kernel")
    image(
        place / "busy.tar",
        place,
        [
            folder("home", uid=1234, gid=2345, mode=0o1733),
            entry("own", b"own", uid=1234, mode=0o400),
            entry("closed", b"closed", uid=7, mode=0o640),
            entry("none", b"", uid=0, mode=0),
            entry("z/2", b""),
            entry("z/1", b""),
        ],
    )
    (place / "lab.py").write_text(SCRIPT, encoding="utf-8")
    (place / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    for path in (place / "busy.tar", place / "lab.py", place / "compose.yaml"):
        path.chmod(0o644)
    python = interpreter()
    seen = [told(place, python, user, place / "kernel" / kernel.name) for user in (0, OTHER)]
    assert seen[0] == seen[1]
    assert "/own 400 1234 0" in seen[0] and "/home 1733 1234 2345" in seen[0]
    assert "ownuid=1234(app) gid=2345(app)" in seen[0]
