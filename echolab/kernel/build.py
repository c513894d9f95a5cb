"""Building the guest kernel, and the cache that keeps what was built.

Strategy: a kernel's name in the cache consists of its source's version and its recipe (fragment,
patches, preloaded object), so a change in either, and nothing else, makes a new name. The kernel is
built in a folder of its own that is renamed when it is complete, so whatever has such a name is
complete. A file lock (flock(2)) allows one build at a time; its holder removes what interrupted
builds have left.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from echolab import resources
from echolab.errors import BadInput, CannotRun
from echolab.kernel import config, packed, source
from echolab.kernel.command import ENVIRONMENT, follow
from echolab.kernel.image import Kernel
from echolab.language import later
from echolab.language import translate as _
from echolab.progress import left

Progress = Callable[[str], None]

ONCE = later("building the kernel, once")
"""Short, so that what follows fits a terminal of 80 columns: step, share and time left."""

EXPECTED_OBJECTS = 850
"""Roughly how many files are compiled; for the progress in percent."""

NEEDED_BYTES = 2 * 1024**3
"""Bytes that source and objects take while the kernel is built."""

TOOLS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "tar": "tar",
    "xz": "xz-utils",
    "make": "make",
    "gcc": "gcc",
    "strip": "binutils",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
}
"""The tools that the build calls, each with its Debian package."""

REPRODUCIBLE = {
    "KBUILD_BUILD_TIMESTAMP": "@1700000000",
    "KBUILD_BUILD_USER": "echolab",
    "KBUILD_BUILD_HOST": "echolab",
    "KBUILD_BUILD_VERSION": "1",
}
"""What a kernel records about its build (Documentation/kbuild/reproducible-builds.rst). It
is mixed into the guest's entropy, so it must be the same on every machine."""

RELEASE = re.compile(r"\d+\.\d+\S*")


def find(cache: Path, override: Path | None = None) -> Kernel | None:
    """The kernel at `override`, otherwise the newest one in the cache; None if none is built.

    Raises BadInput if `override` is not a kernel that can be used.
    """
    if override is not None:
        return _given(override, cache)
    built = [
        kernel
        for folder in room(cache).glob(f"linux-*-{config.recipe()}")
        if (kernel := _read(folder))
    ]
    return max(built, key=lambda kernel: _numbers(kernel.source), default=None)


def with_digest(cache: Path, digest: str) -> Kernel | None:
    """The kernel of the cache whose executable has that SHA-256, built here or handed on."""
    kernels = (_read(facts.parent) for facts in room(cache).glob("*/kernel.json"))
    return next((one for one in kernels if one is not None and one.digest == digest), None)


def ensure(cache: Path, progress: Progress, override: Path | None = None) -> Kernel:
    """The kernel that `find` returns, built first if necessary.

    Raises BadInput as `find` does, and CannotRun, with a remedy, if it cannot be built.
    """
    found = find(cache, override)
    if found:
        return found
    with _building(cache, progress) as work:
        return find(cache) or _build(cache, work, progress)


def missing_tools() -> tuple[str, ...]:
    """The tools that the build needs and that this machine lacks."""
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=ENVIRONMENT["PATH"])]
    if not Path("/usr/include/stdio.h").exists():
        missing.append("libc6-dev")
    return tuple(missing)


def packages_for(tools: tuple[str, ...]) -> tuple[str, ...]:
    """The Debian packages that have these tools."""
    return tuple(sorted({TOOLS.get(tool, tool) for tool in tools}))


def room(cache: Path) -> Path:
    """The folder of the cache where kernels are."""
    return cache / "kernel"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _read(folder: Path) -> Kernel | None:
    """The kernel in a folder of the cache; None if the folder is damaged."""
    try:
        facts = json.loads((folder / "kernel.json").read_text())
        kernel = Kernel(folder / "linux", folder / "preload.so", **facts)
    except (OSError, ValueError, TypeError):
        return None
    return kernel if kernel.path.is_file() and kernel.preload.is_file() else None


def _given(path: Path, cache: Path) -> Kernel:
    """The kernel that the user gave, with its preloaded object: its own, or one built now."""
    remedy = "give ECHOLAB_KERNEL a User-Mode Linux kernel, or unset it"
    path = path.absolute()
    if not path.is_file():
        raise BadInput(f"there is no kernel at {path}", remedy)
    if path.parent.parent == room(cache).absolute() and (kept := _read(path.parent)):
        return kept
    handed = packed.unpack(path, room(cache))
    if handed is not None:
        kernel = _read(handed)
        if kernel is None:
            raise BadInput(f"the kernel of {path} is damaged in {handed}", "remove that folder")
        return kernel
    if not os.access(path, os.X_OK):
        raise BadInput(f"the kernel {path} is not executable", f"run: chmod +x {path}")
    release = _release(path, remedy)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Kernel(path, _preload(cache), release, str(path), digest)


def _preload(cache: Path) -> Path:
    """The preloaded object for a kernel that echolab did not build, compiled on first use."""
    preload = room(cache) / f"preload-{config.recipe()}.so"
    if preload.is_file():
        return preload
    _complain_of_missing(("gcc",))
    try:
        room(cache).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=room(cache)) as work:
            return _compile_preload(Path(work)).rename(preload)
    except OSError as error:
        raise CannotRun(
            f"the seeded entropy cannot be built in {room(cache)}: {error.strerror}",
            "set XDG_CACHE_HOME to a writable folder",
        ) from error


def _release(kernel: Path, remedy: str) -> str:
    """The release that the kernel prints. Raises BadInput if it cannot have virtual time."""
    said = ""
    with contextlib.suppress(CannotRun):
        says = {
            option: follow(
                [str(kernel), option], folder=Path("/"), what="asking", remedy="", limit=10
            )
            for option in ("--version", "--help")
        }
        if "time-travel" in says["--help"]:
            said = says["--version"].strip()
    if not RELEASE.fullmatch(said):
        raise BadInput(f"{kernel} is not a User-Mode Linux kernel with virtual time", remedy)
    return said


@contextlib.contextmanager
def _building(cache: Path, progress: Progress) -> Iterator[Path]:
    """A folder to build in while no other build runs. Afterwards it is removed, and so is what
    earlier builds left.
    """
    _complain_of_missing(missing_tools())
    place = room(cache)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("w") as lock:
            _take(lock.fileno(), progress)
            for left in place.glob("building-*"):
                shutil.rmtree(left, ignore_errors=True)
            if shutil.disk_usage(place).free < NEEDED_BYTES:
                raise CannotRun(
                    f"{place} has less than the 2 GB free that building the kernel needs",
                    "free some space there, or set XDG_CACHE_HOME to a folder with more",
                )
            with tempfile.TemporaryDirectory(
                prefix="building-", dir=place, ignore_cleanup_errors=True
            ) as work:
                yield Path(work)
    except OSError as error:
        raise CannotRun(
            f"the guest kernel cannot be built in {place}: {error.strerror}",
            "set XDG_CACHE_HOME to a writable folder with 2 GB free",
        ) from error


def _take(lock: int, progress: Progress) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress(_("waiting for another run that is building the guest kernel"))
        fcntl.flock(lock, fcntl.LOCK_EX)


def _complain_of_missing(tools: tuple[str, ...]) -> None:
    missing = tuple(tool for tool in tools if tool in missing_tools())
    if missing:
        raise CannotRun(
            f"the guest kernel cannot be built without {', '.join(missing)}",
            f"run: sudo apt-get install -y {' '.join(packages_for(missing))}",
        )


def _build(cache: Path, work: Path, progress: Progress) -> Kernel:
    """Build the newest source in `work` and put the result into the cache."""

    def tell(step: str) -> None:
        progress(f"{_(ONCE)}, {step}")

    chosen = source.newest(work, tell)
    version = f"{chosen.package.removeprefix('linux-source-')} ({chosen.version})"
    name = f"linux-{chosen.version.replace(':', '_')}-{config.recipe()}"
    place = room(cache) / name
    if (kernel := _read(place)) is not None:
        return kernel
    tree = source.unpack(chosen, work, tell)
    _configure(tree)
    executable = _compile(tree, progress)
    result = work / "result"
    result.mkdir()
    _command(["strip", "-o", str(result / "linux"), str(executable)], work, "stripping the kernel")
    _compile_preload(result)
    facts = {
        "release": _release(result / "linux", f"run: {resources.COMMAND} build kernel"),
        "source": f"linux-source {version}",
        "digest": hashlib.sha256((result / "linux").read_bytes()).hexdigest(),
    }
    (result / "kernel.json").write_text(json.dumps(facts, indent=1) + "\n")
    os.sync()
    shutil.rmtree(place, ignore_errors=True)
    result.rename(place)
    return Kernel(place / "linux", place / "preload.so", **facts)


def _configure(tree: Path) -> None:
    """Patch and configure the tree. Raises CannotRun, naming each option that was dropped."""
    for source_file, place in config.SOURCES.items():
        shutil.copyfile(source_file, tree / place)
    for patch in config.PATCHES:
        file = tree / patch.file
        file.write_text(patch.apply(file.read_text(encoding="utf-8")), encoding="utf-8")
    wanted = config.options(config.FRAGMENT.read_text(encoding="utf-8"))
    fragment = tree / "echolab.config"
    fragment.write_text(config.fragment(wanted))
    _command(
        ["make", "ARCH=um", f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"],
        tree,
        "configuring the guest kernel",
    )
    lost = config.dropped(wanted, (tree / ".config").read_text(encoding="utf-8"))
    if lost:
        raise CannotRun(
            f"the kernel's configuration dropped {', '.join(option.name for option in lost)}",
            f"correct {config.FRAGMENT.name}, or give ECHOLAB_KERNEL=FILE",
        )


def _compile(tree: Path, progress: Progress) -> Path:
    compiled, began = 0, time.monotonic()

    def line(text: str) -> None:
        nonlocal compiled
        compiled += text.startswith("  CC ")
        tick()

    def tick() -> None:
        share = min(0.99, compiled / EXPECTED_OBJECTS)
        rest = left(time.monotonic() - began, share)
        progress(f"{_(ONCE)}, {_('step 3 of 3: compiling')}, {share:.0%}{rest}")

    jobs = len(os.sched_getaffinity(0))
    assignments = [f"{name}={value}" for name, value in REPRODUCIBLE.items()]
    follow(
        ["make", "ARCH=um", f"--jobs={jobs}", *assignments, "linux"],
        folder=tree,
        what="building the guest kernel",
        remedy="report it, with the output of gcc --version, or give ECHOLAB_KERNEL=FILE",
        limit=3600,
        line=line,
        tick=tick,
    )
    return tree / "linux"


def _compile_preload(folder: Path) -> Path:
    """Compile the object that is loaded into the kernel's process; return its path."""
    result = folder / "preload.so"
    words = ("-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(result))
    _command(["gcc", *words, str(config.PRELOAD)], folder, "compiling the seeded entropy")
    return result


def _command(arguments: list[str], folder: Path, what: str) -> None:
    follow(
        arguments, folder=folder, what=what, remedy=f"run: {resources.COMMAND} doctor", limit=300
    )
