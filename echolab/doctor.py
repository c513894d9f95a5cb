"""What this machine can do, area by area; whatever it lacks, with the one step that helps."""

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

from echolab import resources
from echolab.engines import registry
from echolab.engines.host_kernel import netem_here
from echolab.engines.registry import MODULES
from echolab.errors import EcholabError
from echolab.kernel.command import ENVIRONMENT
from echolab.language import decimal, later
from echolab.language import translate as _
from echolab.settings import Settings

ROOM = 3 * 1024**3
"""Bytes of disk that building the images and the kernel takes."""

LIMIT = 20.0
"""Seconds that another program may take to answer."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was checked: fine, or what is missing and the step that helps.

    `needed` is False if most of the lab works without it.
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
        return f"{mark} {_(self.area)}: {self.what}{hint}"


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Check everything; a check that fails by itself is a finding, too."""
    checks: tuple[Callable[[Settings], Iterable[Finding]], ...] = (
        _python,
        _docker,
        _link,
        _kernel,
        _tools,
        _room,
    )
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(settings)
        except Exception as error:
            area = check.__name__.strip("_")
            findings.append(Finding(area, False, _failed(error), _("report it")))
    return tuple(findings)


def able(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Each engine with why it cannot run here; the reason is empty if it can."""
    found = []
    for name in MODULES:
        try:
            lack = registry.load(name).lack(settings)
            found.append((name, f"{lack.what}; {lack.remedy}" if lack else ""))
        except EcholabError as error:
            found.append((name, str(error)))
        except Exception as error:
            found.append((name, f"{_failed(error)}; {_('report it')}"))
    return tuple(found)


def _python(settings: Settings) -> Iterable[Finding]:
    version = platform.python_version()
    yield Finding("Python", sys.version_info >= (3, 11), version, _("install Python 3.11 or newer"))


def _docker(settings: Settings) -> Iterable[Finding]:
    lack = registry.load("docker").lack(settings)
    if lack:
        yield Finding("Docker", False, lack.what, lack.remedy, needed=False)
        return
    yield Finding(
        "Docker", True, f"Engine {_said('docker', 'version', '-f', '{{.Server.Version}}')}"
    )
    compose = _said("docker", "compose", "version", "--short") or _said(
        "docker-compose", "version", "--short"
    )
    remedy = _("install docker-compose-plugin or docker-compose")
    yield Finding("Compose", bool(compose), compose or _("not found"), remedy)


def _link(settings: Settings) -> Iterable[Finding]:
    release = platform.release()
    if netem_here():
        what = _("this kernel ({release}) has netem").format(release=release)
        yield Finding(later("Link"), True, what)
        return
    what = _("this kernel ({release}) has no netem: links go through the guest kernel's")
    yield Finding(later("Link"), True, what.format(release=release))
    tun = Path("/dev/net/tun").exists()
    what = _("there") if tun else _("no /dev/net/tun")
    yield Finding(later("TAP devices"), tun, what, "modprobe tun", False)


def _kernel(settings: Settings) -> Iterable[Finding]:
    from echolab.kernel import build

    found = build.find(settings.cache, settings.kernel)
    if found is not None:
        what = _("{release}, from {source}").format(release=found.release, source=found.source)
        yield Finding(later("Guest kernel"), True, what)
        return
    missing = build.packages_for(build.missing_tools())
    command = f"{resources.COMMAND} build kernel"
    what = _("not built yet: `{command}` takes several minutes").format(command=command)
    if missing:
        what = _("not built yet, and what builds it is missing: {packages}")
        what = what.format(packages=", ".join(missing))
    remedy = f"{_sudo()}apt-get install {' '.join(missing)}"
    yield Finding(later("Guest kernel"), not missing, what, remedy, needed=False)


def _tools(settings: Settings) -> Iterable[Finding]:
    wanted = {
        "tc": ("iproute2", _("shapes links in the engines exact and namespaces"), True),
        "strace": ("strace", _("shows system calls in exercises and reports"), False),
        "gcc": ("gcc", _("compiles C programs of exercises"), False),
        "mmdebstrap": ("mmdebstrap", _("makes the base image if no registry answers"), False),
    }
    for tool, (package, use, needed) in wanted.items():
        path = shutil.which(tool, path=ENVIRONMENT["PATH"])
        remedy = f"{_sudo()}apt-get install {package}"
        what = use if path else _("missing; it {use}").format(use=use)
        yield Finding(tool, bool(path), what, remedy, needed)


def _room(settings: Settings) -> Iterable[Finding]:
    folder = settings.cache
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    what = _("{size} GiB free below {folder}")
    what = what.format(size=decimal(f"{free / 1024**3:.1f}"), folder=folder)
    remedy = _("make room: 3 GiB are needed to build the kernel")
    yield Finding(later("Disk"), free >= ROOM, what, remedy)


def _said(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def _failed(error: Exception) -> str:
    return _("the check itself failed: {error}").format(error=error)


def _sudo() -> str:
    return "" if os.geteuid() == 0 else "sudo "


def as_text(findings: Iterable[Finding], able: Iterable[tuple[str, str]]) -> str:
    """The findings, one or two lines each, and which engines can run now."""
    lines = [finding.line() for finding in findings]
    lines += ["", *(f"{name}: {lack or _('ready')}" for name, lack in able)]
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
