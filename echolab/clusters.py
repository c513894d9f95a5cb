"""The option `--cluster`: the workers that it means, for the commands that have it."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from echolab.console import note, tell
from echolab.errors import BadInput, CannotRun
from echolab.language import translate as _

if TYPE_CHECKING:
    from echolab.runs.workers import Workers
    from echolab.settings import Settings


@contextlib.contextmanager
def workers(
    address: str | None, engine: str, settings: Settings, folder: Path
) -> Iterator[Workers | None]:
    """The workers of a scheduler while they are needed; None for this machine's processors.

    At the end, `folder` is told where the jobs were performed. Raises BadInput for an engine
    whose time is real and for images that stay here, and CannotRun where there is no scheduler,
    or no Dask.
    """
    if address is None:
        yield None
        return
    if engine != "exact":
        raise BadInput(
            _("--cluster takes the engine exact: {engine} runs in real time").format(engine=engine),
            _("leave one of them out"),
        )
    if settings.roots or settings.reach:
        raise BadInput(
            _("--cluster: images and folders that are brought do not go to other machines"),
            _("leave one of them out"),
        )
    if importlib.util.find_spec("distributed") is None:
        raise CannotRun(_("--cluster takes Dask"), "pip install 'echolab[cluster]'")
    from echolab.cluster.client import Cluster  # slow to import, and seldom needed

    with Cluster(address, settings, tell, note) as cluster:
        try:
            yield cluster
        finally:
            if folder.is_dir():
                cluster.machines.write(folder)
