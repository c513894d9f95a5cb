"""Where a run may put things, and its limits: made once from the environment, handed down."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from echolab import resources


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where a run may put things, and its limits. `wall_limit` is in seconds.

    `folder` is the run's own folder and exists; `cache` keeps what is built once;
    `kernel` overrides the guest kernel; `compose` is the file the topology was read from.
    `roots` says where the user's images are: an archive, a folder, or the digest of a root in the
    cache. `reach` are folders, besides that of the Compose file, that hosts may see.
    """

    folder: Path
    cache: Path
    compose: Path
    kernel: Path | None = None
    wall_limit: float = 600.0
    roots: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reach: tuple[Path, ...] = ()

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], compose: Path | None = None
    ) -> Settings:
        """The settings that the variables XDG_CACHE_HOME and ECHOLAB_KERNEL give.

        The cache is $XDG_CACHE_HOME/echolab or ~/.cache/echolab.
        """
        base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        kernel = environment.get("ECHOLAB_KERNEL")
        return cls(
            folder=Path(),
            cache=Path(base) / "echolab",
            compose=compose or resources.COMPOSE,
            kernel=Path(kernel) if kernel else None,
        )

    @property
    def base_image_file(self) -> Path:
        """The file that names the base of our images: Compose's own in a checkout."""
        return (self.cache if resources.INSTALLED else resources.ROOT) / ".env"
