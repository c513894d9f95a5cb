"""The first and only program of the appliance's kernel: joins its two devices, runs tc.

Requests and answers are lines of JSON over the console. The guest's root is the link
container's own file system, read-only.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tty
from typing import Any

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

RENAME = """\
link set vec1 name eth0
link set vec0 promisc on up
link set eth0 promisc on up
"""
"""The lab says eth0 wherever a link is, so the way out of here has that name too."""

JOIN = """\
qdisc add dev vec0 clsact
filter add dev vec0 ingress matchall action mirred egress redirect dev eth0
qdisc add dev eth0 clsact
"""


def run(argv: list[str], script: str = "") -> dict[str, Any]:
    """Run a command; says its exit status, output and error."""
    done = subprocess.run(
        argv, input=script, capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    return {"status": done.returncode, "output": done.stdout, "error": done.stderr}


def mount(kind: str, where: str) -> None:
    """mount(2); Python's library has no call for it."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(kind.encode(), where.encode(), kind.encode(), 0, None) != 0:
        raise OSError(ctypes.get_errno(), f"mounting {kind} on {where}")


def main() -> None:
    tty.setraw(0)
    mount("proc", "/proc")
    for argv, script in ((["ip", "-batch", "-"], RENAME), (["tc", "-batch", "-"], JOIN)):
        done = run(argv, script)
        if done["status"] != 0:
            sys.exit(f"{argv[0]}: {done['error']}")
    print(json.dumps({"ready": os.uname().release}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line)["run"])), flush=True)


if __name__ == "__main__":
    main()
