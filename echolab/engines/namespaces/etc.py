"""A host's /etc: what programs need of this machine's, and a few generated files."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from echolab.engines.namespaces import linux

ORDINARY = 10007
"""User and group of a host's programs, unless the Compose file names another."""

NEEDED_FOLDERS = re.compile(r"alternatives|java-.*")
"""Folders in /etc without which installed programs do not start."""

NEEDED_FILES = ("ld.so.cache", "protocols", "services")

ACCOUNTS = {"root": 0, "lab": ORDINARY, "nobody": 65534}

SERVICES = "".join(f"{name} {port}/{kind}\n" for name, port in (("echo", 7), ("discard", 9))
                   for kind in ("tcp", "udp"))  # fmt: skip

ECHO = re.compile(r"^echo\s+7/tcp", re.MULTILINE)

SEALED = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV


def add(place: str, hosts: str, *, multi: bool) -> None:
    """Make the folder below `place`; `hosts` is its hosts(5).

    `multi` says that a name may have several addresses (host.conf(5)).
    """
    folder = Path(place, "etc")
    folder.mkdir()
    for entry, content in needed_of_machine().items():
        if content is not None:
            (folder / entry).write_bytes(content)
        else:
            (folder / entry).mkdir()
            linux.bind(f"/etc/{entry}", str(folder / entry), SEALED)
    for name, text in _generated(hosts).items():
        (folder / name).write_text(text, encoding="utf-8")
    if multi:
        (folder / "host.conf").write_text("multi on\n", encoding="utf-8")
    services = folder / "services"
    known = services.read_text(encoding="utf-8") if services.exists() else ""
    if not ECHO.search(known):
        services.write_text(known + SERVICES, encoding="utf-8")
    (folder / "hostname").symlink_to("/proc/sys/kernel/hostname")
    (folder / "mtab").symlink_to("/proc/self/mounts")


@functools.cache
def needed_of_machine() -> Mapping[str, bytes | None]:
    """What hosts need of this machine's /etc: the content of each file, None for a folder."""
    found: dict[str, bytes | None] = {}
    for source in sorted(Path("/etc").iterdir()):
        if source.name in NEEDED_FILES:
            found[source.name] = source.read_bytes()
        elif NEEDED_FOLDERS.fullmatch(source.name) and source.is_dir():
            found[source.name] = None
    return found


def _generated(hosts: str) -> dict[str, str]:
    people = "".join(f"{name}:x:{n}:{n}::/tmp:/bin/sh\n" for name, n in ACCOUNTS.items())
    groups = "".join(f"{name}:x:{n}:\n" for name, n in ACCOUNTS.items())
    switch = "".join(
        f"{database}: files\n"
        for database in ("passwd", "group", "hosts", "services", "protocols", "networks")
    )
    return {
        "hosts": hosts,
        "passwd": people,
        "group": groups,
        "nsswitch.conf": switch,
        "resolv.conf": "",
    }
