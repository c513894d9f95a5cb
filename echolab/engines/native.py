"""The engine `namespaces` as its user meets it: what it needs, and the running of a job.

The job runs in a process of its own (`echolab.engines.guest`), which makes a PID namespace
for all that the lab starts: when it ends, or this process does, nothing is left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from echolab.engines import Lack, Progress, Settings, answers, linux, rtnetlink
from echolab.errors import CannotRun
from echolab.job import Job

PERFORMER = Path(__file__).with_name("guest.py")

CONSOLE = "console.log"
"""What the scenario's script prints, and what the engine says when it breaks down."""

PATIENCE = 1.0
"""Seconds between two looks at what goes on."""

LOOPBACK = 1


def lack() -> Lack | None:
    """None where this process may make namespaces and this kernel has netem."""
    if sys.platform != "linux":
        return Lack("network namespaces are there on Linux only", "use --engine docker")
    if os.geteuid() != 0:
        return Lack("making network namespaces needs root", "run it with sudo, or --engine exact")
    try:
        _try_netem()
    except OSError as error:
        return Lack(
            f"this kernel ({os.uname().release}) has no netem ({error.strerror})",
            "install the kernel's extra modules, or use --engine exact",
        )
    return None


def _try_netem() -> None:
    """Put netem on the loopback of a new network namespace, which then vanishes."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.unshare(linux.CLONE_NEWNET)
        try:
            with rtnetlink.Netlink() as link:
                link.send([rtnetlink.up(LOOPBACK), rtnetlink.netem(LOOPBACK)])
        finally:
            linux.setns(own, linux.CLONE_NEWNET)
    finally:
        os.close(own)


def run(job: Job, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Perform the job and return its record, not judged yet.

    Raises what the job raised, and CannotRun where it broke down or took longer than
    `settings.wall_limit` seconds.
    """
    folder = settings.folder
    answers.write(folder / answers.REQUEST, json.dumps({"job": job.to_json()}))
    try:
        with (folder / CONSOLE).open("wb") as console:
            status = _perform(folder, console.fileno(), settings.wall_limit, progress)
        return _record(folder, status)
    finally:
        for name in (answers.REQUEST, answers.ANSWER):
            (folder / name).unlink(missing_ok=True)


def _perform(folder: Path, console: int, limit: float, progress: Progress) -> int:
    process = subprocess.Popen(
        [sys.executable, "-E", "-B", str(PERFORMER), str(folder), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
    )
    try:
        while limit > 0:
            try:
                return process.wait(min(limit, PATIENCE))
            except subprocess.TimeoutExpired:
                limit -= PATIENCE
                progress(answers.doing(folder / answers.PROGRAMS, "namespaces"))
    finally:
        process.kill()
        process.wait()
    raise CannotRun(
        f"the lab did not end in time ({answers.doing(folder / answers.PROGRAMS, 'namespaces')})",
        "let its programs wait less, or end",
    )


def _record(folder: Path, status: int) -> dict[str, Any]:
    try:
        answer = json.loads((folder / answers.ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise CannotRun(
            f"the lab ended without an answer (status {status})",
            f"see {folder / CONSOLE}",
        ) from None
    if "error" in answer:
        raise answers.error(answer["error"])
    record: dict[str, Any] = answer["record"]
    return record
