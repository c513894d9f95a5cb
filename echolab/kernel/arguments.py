"""The argument vector and environment that boot a guest kernel: pure functions of values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from echolab.errors import BadInput

BOOT_TIME = 1_700_000_000_000_000_000
"""When the guest boots, in nanoseconds since 1970: the same for every run."""

OWN_FOLDER = "/proc/self/cwd"
"""The kernel process's working directory, as the guest sees it before it mounts /proc.

Strategy: the guest's kernel mixes its command line into its entropy
(drivers/char/random.c, random_init_early), so a path that differs between two runs would
make the runs differ. The guest's root is the machine's own file system, including its
/proc. Through this path the guest reaches the run's folder, and the command line is
always the same.
"""


@dataclasses.dataclass(frozen=True)
class FreeRunning:
    """Virtual time, as fast as the machine allows: waiting takes no wall time.

    Only waiting and reading a clock take virtual time; computing takes none
    (`time-travel=inf-cpu`, arch/um/kernel/time.c). `start` is in nanoseconds since 1970.
    """

    start: int = BOOT_TIME


@dataclasses.dataclass(frozen=True)
class Held:
    """Virtual time that an external calendar grants step by step, over the socket `path`.

    `path` is a listening UNIX stream socket that speaks the protocol of
    include/uapi/linux/um_timetravel.h.
    """

    path: str


@dataclasses.dataclass(frozen=True)
class RealTime:
    """The machine's own time: for a guest that serves as a network appliance."""


Clock = FreeRunning | Held | RealTime


@dataclasses.dataclass(frozen=True)
class Boot:
    """How to boot.

    `init` is the guest's first program with its arguments; `memory` is in mebibytes.
    `devices` are further arguments, such as `vec0:transport=tap,ifname=link0`. `console`
    is the channel of the guest's console (`null,fd:1`: no input, output to the kernel
    process's standard output; `fd:0,fd:1`: both). `seed` is None for the machine's own
    entropy. `ptrace` catches system calls in the slower way that every kernel supports.
    `variables` are the environment of `init`.
    """

    init: tuple[str, ...]
    memory: int = 256
    clock: Clock = FreeRunning()
    devices: tuple[str, ...] = ()
    console: str = "null,fd:1"
    seed: int | None = None
    ptrace: bool = False
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)


def boot_arguments(kernel: str, boot: Boot, *, private: str, has_seccomp: bool) -> list[str]:
    """The argument vector that boots `kernel`.

    `private` is a folder for the kernel's own files (such as its PID file), best relative
    to its working directory. Raises BadInput for a word that a kernel command line cannot
    hold.
    """
    words = [
        f"mem={boot.memory}M",
        "rootfstype=hostfs",
        "ro",
        f"con0={boot.console}",
        "con=null",
        "quiet",
        "panic=-1",
        "norandmaps",
        *_clock_arguments(boot.clock),
        *boot.devices,
    ]
    if has_seccomp:
        words.append("seccomp=off" if boot.ptrace else "seccomp=auto")
    # What the kernel does not know goes to the first program (kernel-parameters.rst).
    words += [f"{name}={value}" for name, value in boot.variables.items()]
    program, *arguments = boot.init
    words.append(f"init={program}")
    if arguments:
        words += ["--", *arguments]
    return [kernel, f"uml_dir={private}/", "umid=guest", *map(_quoted, words)]


def boot_environment(
    boot: Boot, *, memory_folder: str, preload: str = "", parent: int | None = None
) -> dict[str, str]:
    """The whole environment of the kernel process; nothing of it reaches the guest.

    The guest's memory is an unnamed file in `memory_folder`. With `parent`, the kernel
    ends when the process with that PID ends.
    """
    environment = {"TMPDIR": memory_folder}
    if preload:
        environment["LD_PRELOAD"] = preload
    if parent is not None:
        environment["ECHOLAB_PARENT"] = str(parent)
    if boot.seed is not None:
        environment["ECHOLAB_SEED"] = str(boot.seed)
    return environment


def _clock_arguments(clock: Clock) -> Sequence[str]:
    match clock:
        case FreeRunning(start):
            return ["time-travel=inf-cpu", f"time-travel-start={start}"]
        case Held(path):
            return [f"time-travel=ext:1:{path}"]
        case RealTime():
            return []


def _quoted(word: str) -> str:
    """The word, quoted for the kernel's parser (lib/cmdline.c, next_arg)."""
    if '"' in word or "\n" in word:
        raise BadInput(f"a kernel's command line cannot hold {word!r}", "use a path without quotes")
    if " " not in word and "\t" not in word:
        return word
    name, equals, value = word.partition("=")
    return f'{name}="{value}"' if equals and " " not in name else f'"{word}"'
