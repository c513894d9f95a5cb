"""How the guest kernel is configured: our fragment, our patches, and the check of both."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from echolab.errors import CannotRun

HERE = Path(__file__).parent
FRAGMENT = HERE / "guest.config"
PRELOAD = HERE / "preload.c"

LINE = re.compile(r"(CONFIG_\w+)=(\S+)\s+#\s*(\[where known\])?\s*(\S.*)")


@dataclasses.dataclass(frozen=True)
class Option:
    """One option that we want. `where_known` marks one that only some kernels have."""

    name: str
    value: str
    reason: str
    where_known: bool = False

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclasses.dataclass(frozen=True)
class Patch:
    """One line of the source that we change: `old` becomes `new`, exactly once in `file`."""

    file: str
    old: str
    new: str
    reason: str

    def apply(self, text: str) -> str:
        """The patched text. Raises CannotRun where the line is not there exactly once."""
        if text.count(self.old) != 1:
            raise CannotRun(
                f"the kernel's {self.file} has no single place for our patch ({self.reason})",
                "give a kernel that is built already: ECHOLAB_KERNEL=FILE",
            )
        return text.replace(self.old, self.new)


PATCHES = (
    Patch(
        "arch/um/Kconfig",
        "config HZ\n\tint\n\tdefault 100\n",
        "config HZ\n\tint\n\tdefault 1000\n",
        "TCP's timers fall on steps of 1 ms, not of 10 ms; the option has no prompt",
    ),
    Patch(
        "drivers/char/random.c",
        "\t_mix_pool_bytes(command_line, strlen(command_line));\n",
        "",
        "the same seed gives the same entropy, whatever the clock or memory of the boot",
    ),
)


def options(text: str) -> tuple[Option, ...]:
    """The options of a fragment. Raises CannotRun for a line without option or reason."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise CannotRun(
                f"line {number} of the kernel's configuration is not 'OPTION=VALUE  # reason'",
                f"mend it: {line}",
            )
        name, value, where_known, reason = match.groups()
        found.append(Option(name, value, reason, where_known is not None))
    return tuple(found)


def fragment(wanted: Iterable[Option]) -> str:
    """The options as `make allnoconfig` reads them (KCONFIG_ALLCONFIG)."""
    return "".join(f"{option}\n" for option in wanted)


def dropped(wanted: Iterable[Option], result: str) -> tuple[Option, ...]:
    """The wanted options that the finished `.config` does not have.

    One that is marked [where known] may be unknown to the kernel, but not turned off.
    """
    lines = set(result.splitlines())
    return tuple(
        option
        for option in wanted
        if str(option) not in lines
        and (not option.where_known or f"# {option.name} is not set" in lines)
    )


def recipe() -> str:
    """A name for all that makes our kernel what it is: fragment, patches, preloaded object."""
    digest = hashlib.sha256()
    for part in (FRAGMENT.read_text(), repr(PATCHES), PRELOAD.read_text()):
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:12]
