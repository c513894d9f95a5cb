"""What this machine can do: one finding an area, each lack with the one step that mends it."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from echolab import engines
from echolab.engines import MODULES, Settings
from echolab.errors import EcholabError
from echolab.kernel.command import ENVIRONMENT

ROOM = 3 * 1024**3
"""Bytes that images, the kernel's source and its objects need while they are built."""

LIMIT = 20.0
"""Seconds that a question to another program may take."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at: fine, or what is lacking and the step that mends it.

    `needed` is False where only a part of the lab does without it.
    """

    area: str
    fine: bool
    what: str
    remedy: str = ""
    needed: bool = True

    def line(self) -> str:
        """The finding as text, its remedy on a line below."""
        mark = "✔" if self.fine else ("✘" if self.needed else "!")
        hint = f"\n    → {self.remedy}" if self.remedy and not self.fine else ""
        return f"{mark} {self.area}: {self.what}{hint}"


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything; a look that fails is a finding, too."""
    looks: tuple[Callable[[Settings], Iterable[Finding]], ...] = (
        _python,
        _docker,
        _link,
        _kernel,
        _tools,
        _room,
    )
    findings: list[Finding] = []
    for look in looks:
        try:
            findings += look(settings)
        except Exception as error:
            area = look.__name__.strip("_")
            findings.append(Finding(area, False, f"the look itself failed: {error}", "report it"))
    return tuple(findings)


def able(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Each engine with an empty text where it can run here, else with why it cannot."""
    found = []
    for name in MODULES:
        try:
            lack = engines.load(name).lack(settings)
            found.append((name, f"{lack.what}; {lack.remedy}" if lack else ""))
        except EcholabError as error:
            found.append((name, str(error)))
        except Exception as error:
            found.append((name, f"the look itself failed: {error}; report it"))
    return tuple(found)


def _python(settings: Settings) -> Iterable[Finding]:
    version = platform.python_version()
    yield Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _docker(settings: Settings) -> Iterable[Finding]:
    lack = engines.load("docker").lack(settings)
    if lack:
        yield Finding("Docker", False, lack.what, lack.remedy, needed=False)
        return
    yield Finding(
        "Docker", True, f"Engine {_said('docker', 'version', '-f', '{{.Server.Version}}')}"
    )
    compose = _said("docker", "compose", "version", "--short") or _said(
        "docker-compose", "version", "--short"
    )
    remedy = "install docker-compose-plugin or docker-compose"
    yield Finding("Compose", bool(compose), compose or "not found", remedy)


def _link(settings: Settings) -> Iterable[Finding]:
    release = platform.release()
    if netem_here():
        yield Finding("Link", True, f"this kernel ({release}) has netem")
        return
    what = f"this kernel ({release}) has no netem: links go through the guest kernel's"
    yield Finding("Link", True, what)
    tun = Path("/dev/net/tun").exists()
    yield Finding("TAP devices", tun, "there" if tun else "no /dev/net/tun", "modprobe tun", False)


def netem_here() -> bool:
    """Whether this machine's kernel has netem built in, loaded, or as a module."""
    release = platform.release()
    modules = Path("/lib/modules") / release
    names = Path("/proc/modules").read_text(encoding="utf-8") if _exists("/proc/modules") else ""
    if "sch_netem" in names or any(modules.glob("kernel/net/sched/sch_netem.ko*")):
        return True
    builtin = modules / "modules.builtin"
    if builtin.is_file() and "sch_netem" in builtin.read_text(encoding="utf-8"):
        return True
    return "CONFIG_NET_SCH_NETEM=y" in _kernel_configuration(release)


def _kernel_configuration(release: str) -> str:
    packed = Path("/proc/config.gz")
    if packed.is_file():
        import gzip

        return gzip.decompress(packed.read_bytes()).decode(errors="replace")
    plain = Path(f"/boot/config-{release}")
    return plain.read_text(encoding="utf-8", errors="replace") if plain.is_file() else ""


def _kernel(settings: Settings) -> Iterable[Finding]:
    from echolab.kernel import build

    found = build.find(settings.cache, settings.kernel)
    if found is not None:
        yield Finding("Guest kernel", True, f"{found.release}, from {found.source}")
        return
    missing = build.packages_for(build.missing_tools())
    what = "not built yet: `./lab build kernel` takes about three minutes"
    if missing:
        what = f"not built yet, and {', '.join(missing)} to build it with is missing"
    remedy = f"{_sudo()}apt-get install {' '.join(missing)}"
    yield Finding("Guest kernel", not missing, what, remedy, needed=False)


def _tools(settings: Settings) -> Iterable[Finding]:
    wanted = {
        "tc": ("iproute2", "shapes links in the engines exact and namespaces", True),
        "strace": ("strace", "shows system calls in exercises and reports", False),
        "gcc": ("gcc", "compiles C programs of exercises", False),
        "mmdebstrap": ("mmdebstrap", "makes the base image where no registry answers", False),
    }
    for tool, (package, use, needed) in wanted.items():
        path = shutil.which(tool, path=ENVIRONMENT["PATH"])
        remedy = f"{_sudo()}apt-get install {package}"
        yield Finding(tool, bool(path), use if path else f"missing; it {use}", remedy, needed)


def _room(settings: Settings) -> Iterable[Finding]:
    folder = settings.cache
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    what = f"{free / 1024**3:.1f} GiB free below {folder}"
    yield Finding("Disk", free >= ROOM, what, "make room: 3 GiB are needed to build the kernel")


def _said(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _exists(path: str) -> bool:
    return Path(path).exists()


def _sudo() -> str:
    return "" if os.geteuid() == 0 else "sudo "


def as_text(findings: Iterable[Finding], able: Iterable[tuple[str, str]]) -> str:
    """The findings, a line or two each, and what this machine can run now."""
    lines = [finding.line() for finding in findings]
    lines += ["", *(f"{name}: {lack or 'ready'}" for name, lack in able)]
    return "\n".join(lines)


def as_json(findings: Iterable[Finding], able: Iterable[tuple[str, str]]) -> str:
    """The findings and what each engine lacks, as one JSON document."""
    return json.dumps(
        {
            "findings": [dataclasses.asdict(finding) for finding in findings],
            "engines": {name: lack or "ready" for name, lack in able},
        },
        ensure_ascii=False,
        indent=1,
    )
