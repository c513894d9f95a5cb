"""What this machine's own kernel has, as far as its files say."""

from __future__ import annotations

import platform
from pathlib import Path

LOADED = Path("/proc/modules")
"""The modules that are loaded (proc_modules(5))."""


def netem_here() -> bool:
    """Whether this machine's kernel has netem built in, loaded, or as a module."""
    release = platform.release()
    modules = Path("/lib/modules") / release
    names = LOADED.read_text(encoding="utf-8") if LOADED.exists() else ""
    if "sch_netem" in names or any(modules.glob("kernel/net/sched/sch_netem.ko*")):
        return True
    builtin = modules / "modules.builtin"
    if builtin.is_file() and "sch_netem" in builtin.read_text(encoding="utf-8"):
        return True
    return "CONFIG_NET_SCH_NETEM=y" in _configuration(release)


def _configuration(release: str) -> str:
    packed = Path("/proc/config.gz")
    if packed.is_file():
        import gzip

        return gzip.decompress(packed.read_bytes()).decode(errors="replace")
    plain = Path(f"/boot/config-{release}")
    return plain.read_text(encoding="utf-8", errors="replace") if plain.is_file() else ""
