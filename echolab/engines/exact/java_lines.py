"""Has Java programs show their lines where a run is repeated to explain why it hung."""

from __future__ import annotations

import dataclasses
import shutil
import signal
from pathlib import Path

from echolab.engines.exact.sitecustomize import MARK
from echolab.engines.namespaces.sandbox import LAB
from echolab.job import Job
from echolab.kernel import compiled
from echolab.topology import Host

SOURCE = Path(__file__).with_name("java_lines.c")

AGENT = "java-lines.so"
"""What every Java machine of such a run loads."""

OPTIONS = "JAVA_TOOL_OPTIONS"
"""The variable in which it finds that (see the JVM Tool Interface)."""

ASKS = signal.SIGTRAP
"""What asks a Java machine that is ready; see java_lines.c."""

READY = f'"{MARK}s"'
"""The name of a file that such a machine looks for when it is ready, as strace(1) writes it."""


def asked(job: Job, folder: Path, cache: Path) -> Job:
    """The job, with Java programs that can be asked for their lines.

    Its run's folder gets what they load. Without a C compiler, and on hosts with an image, Java
    programs run as ever.
    """
    made = compiled.ensure(SOURCE, cache)
    if made is None:
        return job
    shutil.copyfile(made, folder / AGENT)
    topology = dataclasses.replace(job.topology, hosts=tuple(map(_asked, job.topology.hosts)))
    return dataclasses.replace(job, topology=topology, folders=(*job.folders, AGENT))


def _asked(host: Host) -> Host:
    if host.image is not None:
        return host
    given = host.environment.get(OPTIONS, "")
    environment = {**host.environment, OPTIONS: f"{given} -agentpath:{LAB}/{AGENT}".strip()}
    return dataclasses.replace(host, environment=environment)
