"""The first and only program of the appliance's kernel: joins its pairs of devices, runs tc.

Requests and answers are lines of JSON over the console. The guest's root is the link
container's own file system, read-only.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import tty
from typing import Any

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

ROOM = "/tmp"  # noqa: S108 (the link container's own, where captures are written)

RENAME = """\
link set vec{out} name {device}
link set vec{into} promisc on up
link set {device} promisc on up
"""
"""A link has the name of the host's device, so the outgoing device has that name here too."""

JOIN = """\
qdisc add dev vec{into} clsact
filter add dev vec{into} ingress matchall action mirred egress redirect dev {device}
qdisc add dev {device} clsact
"""

DEVICES = "LINKS"
"""The variable that has the names of the host's devices, with commas between."""


def scripts(template: str) -> str:
    """The lines of a template for each of the host's devices."""
    devices = os.environ[DEVICES].split(",")
    return "".join(
        template.format(device=device, into=2 * number, out=2 * number + 1)
        for number, device in enumerate(devices)
    )


def run(argv: list[str], script: str = "") -> dict[str, Any]:
    """Run a command; return its exit status, output and error."""
    done = subprocess.run(
        argv, input=script, capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    return {"status": done.returncode, "output": done.stdout, "error": done.stderr}


def answer(request: dict[str, Any], captures: list[subprocess.Popen[str]]) -> dict[str, Any]:
    """Do what a request asks: run a command, tell the time, start or finish captures."""
    if "run" in request:
        return run(request["run"])
    if "clock" in request:
        return {"clock": time.time_ns()}
    if "capture" in request:
        return start_capture(request["capture"], captures)
    said = []
    for capture in captures:
        capture.send_signal(signal.SIGINT)
        said.append(capture.communicate()[1])
    os.sync()
    return {"errors": said}


def start_capture(argv: list[str], captures: list[subprocess.Popen[str]]) -> dict[str, Any]:
    """Start tcpdump and wait until it listens."""
    capture = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    captures.append(capture)
    assert capture.stderr is not None
    said = ""
    for line in capture.stderr:
        said += line
        if "listening on" in line:
            return {"status": 0, "error": ""}
    return {"status": 1, "error": said}


def mount(kind: str, where: str, options: str = "") -> None:
    """mount(2); Python's library has no call for it."""
    library = ctypes.CDLL(None, use_errno=True)
    words = [kind.encode(), where.encode(), kind.encode()]
    if library.mount(*words, 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mounting {kind} on {where}")


def main() -> None:
    tty.setraw(0)
    mount("proc", "/proc")
    mount("hostfs", ROOM, ROOM)
    for argv, template in ((["ip", "-batch", "-"], RENAME), (["tc", "-batch", "-"], JOIN)):
        done = run(argv, scripts(template))
        if done["status"] != 0:
            sys.exit(f"{argv[0]}: {done['error']}")
    print(json.dumps({"ready": os.uname().release}), flush=True)
    captures: list[subprocess.Popen[str]] = []
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), captures)), flush=True)


if __name__ == "__main__":
    main()
