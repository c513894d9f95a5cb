"""What a host's files consist of: an image, and what is mounted over it. Values only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Build:
    """How an image is built: what Docker is told.

    `context` is a folder of this machine. The Dockerfile is `dockerfile` in it, or the text
    `inline`. An argument without a value is None.
    """

    context: str
    dockerfile: str = "Dockerfile"
    inline: str | None = None
    arguments: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    target: str | None = None


@dataclasses.dataclass(frozen=True)
class Image:
    """The image that holds a host's files, as the Compose file has it.

    `name` is empty where it is built and not named. `entrypoint` and `command` are None for
    the image's own; `unset` are variables of its environment that are taken away. Of the
    capabilities that root has in a container the host's root lacks those in `dropped`.
    Without `privileges` no program gets more rights than it was started with. Unless it is
    `tested`, the image's own check of its health does not hold.
    `shared_memory` is the size of /dev/shm in bytes.
    """

    name: str = ""
    build: Build | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    unset: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    privileges: bool = True
    read_only: bool = False
    shared_memory: int = 64 << 20
    tested: bool = True


VOLUME, BIND, MEMORY, FILE = "volume", "bind", "tmpfs", "file"
"""Kinds of mounts."""


@dataclasses.dataclass(frozen=True)
class Mount:
    """What a host has at `target` in place of its image's files.

    `kind` is `volume` (`source` names it, and hosts that name it share it; without a name it is the
    host's own), `bind` (a file or folder of this machine), `tmpfs` (memory: empty whenever the host
    starts) or `file` (a secret or a configuration: the file `source` of this machine, or the text
    `content`). `options` are mount(8)'s for memory. A bind is `made` if the folder may be missing;
    it is then empty. `of` names the key of the Compose file.
    """

    kind: str
    target: str
    source: str = ""
    read_only: bool = False
    made: bool = False
    filled: bool = True
    options: str = ""
    content: str | None = None
    mode: int = 0o444
    uid: int = 0
    gid: int = 0
    of: str = ""


@dataclasses.dataclass(frozen=True)
class Root:
    """The root of a host: the files of the image `image`, which has this digest.

    `files` is their folder on this machine, `entries` the file that says what the disk does not
    (see echolab.roots.store). `home` belongs to the host's user.
    """

    image: str
    digest: str
    files: str
    entries: str = ""
    home: str = "/"
