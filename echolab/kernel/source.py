"""The kernel's source: the newest `linux-source` package that Debian offers this machine.

Strategy: newer sources are in Debian's backports, which a machine's own apt seldom knows,
and an ordinary user cannot add them. So apt gets its own root with a single source: the
backports on the machine's own mirror. The machine's proxy settings and keys still apply.
Nothing is installed; a package is only fetched and unpacked.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from echolab.errors import CannotRun
from echolab.kernel.command import follow
from echolab.language import translate as _
from echolab.progress import left

SUITE = "trixie-backports"

KEYRINGS = Path("/usr/share/keyrings")

MIRROR_LINE = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"
"""What apt-get(8) prints for each index that it knows."""

NAME = re.compile(r"^(linux-source-\d[\d.]*) - ", re.MULTILINE)

NEEDED = "connect this machine to its Debian mirror, or give ECHOLAB_KERNEL=FILE"

UNPACKED_WITHOUT = (
    *(f"*/drivers/{room}/*.[ch]" for room in ("gpu", "media", "scsi", "infiniband", "accel")),
    "*/drivers/net/*/*.[ch]",
    "*/sound/*.[ch]",
    "*/Documentation/*/*",
    "*/tools/testing/*",
    "*/tools/perf/*",
    "*/arch/arm*/*.[chS]",
    "*.dts",
    "*.dtsi",
)
"""What User-Mode Linux does not need, as patterns for tar: two thirds of 1.6 GB."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A source package, such as version 7.3.4-1 of linux-source-7.3.

    `apt` are the options with which apt knows it; `size` is the size of its file in bytes.
    """

    package: str
    version: str
    size: int
    apt: tuple[str, ...] = ()


def newest(folder: Path, progress: Callable[[str], None]) -> Source:
    """The newest source available: from the backports, otherwise from the machine's own apt.

    apt's private root goes below `folder`. Raises CannotRun if no source is available.
    """
    progress(_("step 1 of 3: looking for the newest source"))
    reasons = []
    for known_to_apt in (_private_root, _own_root):
        try:
            return _offered(known_to_apt(folder), folder)
        except CannotRun as error:
            reasons.append(error.message)
    raise CannotRun(f"no kernel source is available: {'; '.join(reasons)}", NEEDED)


def unpack(source: Source, folder: Path, progress: Callable[[str], None]) -> Path:
    """Fetch a source and unpack it below `folder`; return the folder of the tree."""
    package = _fetch(source, folder, progress)

    def tick() -> None:
        unpacking = _("step 2 of 3: unpacking {package} {version}")
        progress(unpacking.format(package=source.package, version=source.version))

    tick()
    follow(
        ["dpkg-deb", "--extract", package.name, "package"],
        folder=folder,
        what="unpacking the source package",
        remedy="free some space in the cache's folder and try again",
        limit=300,
        tick=tick,
    )
    package.unlink()
    [archive] = (folder / "package").glob("usr/src/**/linux-source-*.tar.*")
    tree = folder / "tree"
    tree.mkdir()
    follow(
        [
            "tar",
            "--extract",
            f"--file={archive}",
            f"--directory={tree}",
            "--strip-components=1",
            "--no-same-owner",
            "--wildcards",
            *(f"--exclude={pattern}" for pattern in UNPACKED_WITHOUT),
        ],
        folder=folder,
        what="unpacking the kernel's source",
        remedy="free some space in the cache's folder and try again",
        limit=600,
        tick=tick,
    )
    archive.unlink()
    return tree


def _private_root(folder: Path) -> tuple[str, ...]:
    """Options that make apt use its own root below `folder`, with current indexes."""
    root = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (root / name).mkdir(parents=True)
    (root / "status").touch()
    (root / "sources.list").write_text(_entry(_mirror(folder)))
    options = (
        f"Dir::Etc::sourcelist={root}/sources.list",
        "Dir::Etc::sourceparts=-",
        "Dir::Etc::preferences=-",
        "Dir::Etc::preferencesparts=-",
        f"Dir::State={root}",
        f"Dir::State::lists={root}/lists",
        f"Dir::State::status={root}/status",
        f"Dir::Cache={root}/cache",
        "APT::Sandbox::User=",
        "Acquire::Languages=none",
        "Acquire::Retries=2",
        "Acquire::http::Timeout=30",
        "APT::Get::List-Cleanup=false",
    )
    arguments = tuple(word for option in options for word in ("-o", option))
    follow(
        ["apt-get", *arguments, "--error-on=any", "update"],
        folder=folder,
        what=f"asking the Debian mirror for {SUITE}",
        remedy=NEEDED,
        limit=180,
    )
    return arguments


def _own_root(folder: Path) -> tuple[str, ...]:
    """Options that make apt use the machine's own root: none."""
    return ()


def _mirror(folder: Path) -> str:
    """The mirror from which this machine's apt takes Debian."""
    listing = follow(
        ["apt-get", "indextargets", "--format", MIRROR_LINE, "Created-By: Packages"],
        folder=folder,
        what="asking apt for its mirror",
        remedy=NEEDED,
        limit=60,
    )
    for line in listing.splitlines():
        origin, codename, address = (*line.split("|"), "", "")[:3]
        if origin == "Debian" and "-" not in codename:
            return address
    raise CannotRun("apt on this machine knows no Debian mirror", "run: apt-get update")


def _entry(mirror: str) -> str:
    """One line of sources.list(5), signed by Debian's keys if they have a file of their own."""
    rings = sorted(KEYRINGS.glob("debian-archive-keyring.*"))
    signed = f"[signed-by={rings[0]}] " if rings else ""
    return f"deb {signed}{mirror} {SUITE} main\n"


def _offered(apt: Sequence[str], folder: Path) -> Source:
    """The newest source that apt, given these options, knows."""
    listing = follow(
        ["apt-cache", *apt, "search", "--names-only", "^linux-source-[0-9]"],
        folder=folder,
        what="asking apt for kernel sources",
        remedy=NEEDED,
        limit=60,
    )
    packages = NAME.findall(listing)
    if not packages:
        raise CannotRun("apt knows no linux-source package", "run: apt-get update")
    package = max(packages, key=_numbers)
    details = follow(
        ["apt-cache", *apt, "show", "--no-all-versions", package],
        folder=folder,
        what=f"asking apt about {package}",
        remedy=NEEDED,
        limit=60,
    )
    fields = dict(line.split(": ", 1) for line in details.splitlines() if ": " in line)
    return Source(package, fields["Version"], int(fields["Size"]), tuple(apt))


def _numbers(package: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", package))


def _fetch(source: Source, folder: Path, progress: Callable[[str], None]) -> Path:
    began = time.monotonic()

    def tick() -> None:
        done = sum(file.stat().st_size for file in folder.glob("linux-source-*"))
        share = min(1.0, done / source.size)
        rest = left(time.monotonic() - began, share)
        fetching = _("step 1 of 3: fetching {package}").format(package=source.package)
        progress(f"{fetching}, {share:.0%}{rest}")

    tick()
    follow(
        ["apt-get", *source.apt, "-q", "download", f"{source.package}={source.version}"],
        folder=folder,
        what=f"fetching {source.package}",
        remedy=NEEDED,
        limit=1800,
        tick=tick,
    )
    [package] = folder.glob("linux-source-*.deb")
    return package
