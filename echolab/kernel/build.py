"""Building the guest kernel, and the cache in which what was built is kept.

Strategy: a kernel is kept under the name of its source's version and of the recipe
(fragment, patches, preloaded object): a change of either makes another name, and nothing
else does. It is built in a folder of its own and renamed when it is whole, so whatever
has the name is finished. A lock on a file (flock(2)) lets one build at a time go on; who
holds it removes what an interrupted build has left.
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
from collections.abc import Callable, Iterator
from pathlib import Path

from echolab.errors import BadInput, CannotRun
from echolab.kernel import config, source
from echolab.kernel.command import ENVIRONMENT, follow
from echolab.kernel.image import Kernel

Progress = Callable[[str], None]

EXPECTED_OBJECTS = 700
"""About how many files the compiler is called for, for the progress in percent."""

NEEDED_BYTES = 2 * 1024**3
"""What source and objects take while the kernel is built."""

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
"""What the build calls, and the package that has it."""

REPRODUCIBLE = {
    "KBUILD_BUILD_TIMESTAMP": "@1700000000",
    "KBUILD_BUILD_USER": "echolab",
    "KBUILD_BUILD_HOST": "echolab",
    "KBUILD_BUILD_VERSION": "1",
}
"""What a kernel says of its own making (Documentation/kbuild/reproducible-builds.rst): it is
stirred into the guest's entropy, so it must not tell one machine from another."""

RELEASE = re.compile(r"\d+\.\d+\S*")


def find(cache: Path, override: Path | None = None) -> Kernel | None:
    """The kernel at `override`, otherwise the newest one in the cache; None if it is not built.

    Raises BadInput where `override` is no kernel.
    """
    if override is not None:
        return _given(override, cache)
    built = [
        kernel
        for folder in _room(cache).glob(f"linux-*-{config.recipe()}")
        if (kernel := _read(folder))
    ]
    return max(built, key=lambda kernel: _numbers(kernel.source), default=None)


def ensure(cache: Path, progress: Progress, override: Path | None = None) -> Kernel:
    """The kernel, as `find` has it, built first where it must be.

    Raises BadInput as `find` does, and CannotRun, with a remedy, where it cannot be built.
    """
    found = find(cache, override)
    if found:
        return found
    with _building(cache, progress) as work:
        return find(cache) or _build(cache, work, progress)


def missing_tools() -> tuple[str, ...]:
    """The tools that the build calls and this machine lacks."""
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=ENVIRONMENT["PATH"])]
    if not Path("/usr/include/stdio.h").exists():
        missing.append("libc6-dev")
    return tuple(missing)


def packages_for(tools: tuple[str, ...]) -> tuple[str, ...]:
    """The packages that have these tools."""
    return tuple(sorted({TOOLS.get(tool, tool) for tool in tools}))


def _room(cache: Path) -> Path:
    return cache / "kernel"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _read(folder: Path) -> Kernel | None:
    """The kernel in a folder of the cache; None where somebody damaged it."""
    try:
        facts = json.loads((folder / "kernel.json").read_text())
        kernel = Kernel(folder / "linux", folder / "preload.so", **facts)
    except (OSError, ValueError, TypeError):
        return None
    return kernel if kernel.path.is_file() and kernel.preload.is_file() else None


def _given(path: Path, cache: Path) -> Kernel:
    """The kernel that the user gave, with the preloaded object built for it."""
    remedy = "give ECHOLAB_KERNEL a User-Mode Linux kernel, or unset it"
    path = path.absolute()
    if not path.is_file():
        raise BadInput(f"the kernel {path} is not there", remedy)
    if not os.access(path, os.X_OK):
        raise BadInput(f"the kernel {path} may not be executed", f"run: chmod +x {path}")
    release = _release(path, remedy)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Kernel(path, _preload(cache), release, str(path), digest)


def _preload(cache: Path) -> Path:
    """The preloaded object for a kernel that is not ours, compiled on first use."""
    preload = _room(cache) / f"preload-{config.recipe()}.so"
    if preload.is_file():
        return preload
    _complain_of_missing(("gcc",))
    try:
        _room(cache).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_room(cache)) as work:
            return _compile_preload(Path(work)).rename(preload)
    except OSError as error:
        raise CannotRun(
            f"the seeded entropy cannot be built in {_room(cache)}: {error.strerror}",
            "set XDG_CACHE_HOME to a place that can be written",
        ) from error


def _release(kernel: Path, remedy: str) -> str:
    """What the kernel says of itself: its release, once it is sure that it is one of ours."""
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
        raise BadInput(f"{kernel} is no User-Mode Linux kernel with virtual time", remedy)
    return said


@contextlib.contextmanager
def _building(cache: Path, progress: Progress) -> Iterator[Path]:
    """A folder to build in, alone; removed afterwards, as is what earlier builds left."""
    _complain_of_missing(missing_tools())
    room = _room(cache)
    try:
        room.mkdir(parents=True, exist_ok=True)
        with (room / "lock").open("w") as lock:
            _take(lock.fileno(), progress)
            for left in room.glob("building-*"):
                shutil.rmtree(left, ignore_errors=True)
            if shutil.disk_usage(room).free < NEEDED_BYTES:
                raise CannotRun(
                    f"{room} has less than 2 GB free, which the kernel's build needs",
                    "free some room there, or set XDG_CACHE_HOME to a larger place",
                )
            with tempfile.TemporaryDirectory(
                prefix="building-", dir=room, ignore_cleanup_errors=True
            ) as work:
                yield Path(work)
    except OSError as error:
        raise CannotRun(
            f"the guest kernel cannot be built in {room}: {error.strerror}",
            "set XDG_CACHE_HOME to a place that can be written, with 2 GB free",
        ) from error


def _take(lock: int, progress: Progress) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress("another run builds the guest kernel: waiting for it")
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
    chosen = source.newest(work, progress)
    version = f"{chosen.package.removeprefix('linux-source-')} ({chosen.version})"
    name = f"linux-{chosen.version.replace(':', '_')}-{config.recipe()}"
    place = _room(cache) / name
    if (kernel := _read(place)) is not None:
        return kernel
    tree = source.unpack(chosen, work, progress)
    _configure(tree)
    executable = _compile(tree, version, progress)
    result = work / "result"
    result.mkdir()
    _command(["strip", "-o", str(result / "linux"), str(executable)], work, "stripping the kernel")
    _compile_preload(result)
    facts = {
        "release": _release(result / "linux", "run: ./lab build kernel"),
        "source": f"linux-source {version}",
        "digest": hashlib.sha256((result / "linux").read_bytes()).hexdigest(),
    }
    (result / "kernel.json").write_text(json.dumps(facts, indent=1) + "\n")
    os.sync()
    shutil.rmtree(place, ignore_errors=True)
    result.rename(place)
    return Kernel(place / "linux", place / "preload.so", **facts)


def _configure(tree: Path) -> None:
    """Patch and configure the tree. Raises CannotRun that names each option that was dropped."""
    for patch in config.PATCHES:
        file = tree / patch.file
        file.write_text(patch.apply(file.read_text()))
    wanted = config.options(config.FRAGMENT.read_text())
    fragment = tree / "echolab.config"
    fragment.write_text(config.fragment(wanted))
    _command(
        ["make", "ARCH=um", f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"],
        tree,
        "configuring the guest kernel",
    )
    lost = config.dropped(wanted, (tree / ".config").read_text())
    if lost:
        raise CannotRun(
            f"the kernel's configuration dropped {', '.join(option.name for option in lost)}",
            f"mend {config.FRAGMENT.name}, or give ECHOLAB_KERNEL=FILE",
        )


def _compile(tree: Path, version: str, progress: Progress) -> Path:
    compiled = 0

    def line(text: str) -> None:
        nonlocal compiled
        if text.startswith("  CC "):
            compiled += 1
            if compiled % 7 == 0:
                percent = min(99, 100 * compiled // EXPECTED_OBJECTS)
                progress(f"building the guest kernel {version}: {percent} %")

    jobs = len(os.sched_getaffinity(0))
    assignments = [f"{name}={value}" for name, value in REPRODUCIBLE.items()]
    follow(
        ["make", "ARCH=um", f"--jobs={jobs}", *assignments, "linux"],
        folder=tree,
        what="building the guest kernel",
        remedy="report it with the compiler's version (gcc --version), or give ECHOLAB_KERNEL=FILE",
        limit=3600,
        line=line,
    )
    return tree / "linux"


def _compile_preload(folder: Path) -> Path:
    """Compile the object that is loaded into the kernel's process; its path in `folder`."""
    result = folder / "preload.so"
    words = ("-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(result))
    _command(["gcc", *words, str(config.PRELOAD)], folder, "compiling the seeded entropy")
    return result


def _command(arguments: list[str], folder: Path, what: str) -> None:
    follow(arguments, folder=folder, what=what, remedy="run: ./lab doctor", limit=300)
