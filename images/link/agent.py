"""The link of one host: shapes what the host sends, reads its counters, captures its packets.

Runs in a container that shares the host's network namespace. Requests come as lines of
JSON on standard input; each gets one line of JSON on standard output, with its `id`. When
standard input ends, however the lab ended, the link goes back to clean and so does this
program. What breaks by itself is told as a line with `broken` and without `id`.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from appliance import Appliance
from capture import Captures
from command import DEVICE, Failed, run

CHUNK = 1 << 20
"""Bytes of a file that one answer carries."""


class Agent:
    """What one link can do; `close` puts it back to clean."""

    def __init__(self) -> None:
        self.appliance: Appliance | None = None
        self.captures = Captures()

    def prepare(self) -> dict[str, Any]:
        """Make one packet one frame, also while nothing is shaped yet.

        With segmentation offloads a host hands frames of up to 64 KiB to its link, and one
        loss would hit forty segments at once; TCP joins segments even so, up to
        gso_max_segs (ip-link(8)), and has them cut behind the queue.
        """
        run(["ethtool", "-K", DEVICE, "tx", "off", "tso", "off", "gso", "off", "gro", "off"])
        run(["ip", "link", "set", "dev", DEVICE, "gso_max_segs", "1"])
        return {"kernel": os.uname().release}

    def boot(self, argv: list[str], environment: dict[str, str]) -> dict[str, Any]:
        """Boot a kernel that has netem and lead through it all that the host sends."""
        if self.appliance is None:
            self.appliance = Appliance(argv, environment)
            self.captures.follow(self.appliance)
            self.appliance.insert()
        return {"kernel": self.appliance.release}

    def tc(self, arguments: list[str]) -> dict[str, Any]:
        """Run tc(8) where the link is: in the appliance, or here."""
        if self.appliance is not None:
            return self.appliance.ask({"run": ["tc", *arguments]})
        done = subprocess.run(
            ["tc", *arguments], capture_output=True, text=True, timeout=30, check=False
        )
        return {"status": done.returncode, "output": done.stdout, "error": done.stderr}

    def read(self, path: str) -> dict[str, Any]:
        """The text of a file, as this network namespace shows it."""
        return {"text": Path(path).read_text(encoding="utf-8", errors="replace")}

    def neighbours(self, entries: dict[str, str]) -> dict[str, Any]:
        """Enter the hardware addresses of other hosts for good, so that nobody asks."""
        for address, hardware in entries.items():
            entry = [address, "lladdr", hardware, "dev", DEVICE, "nud", "permanent"]
            run(["ip", "neighbour", "replace", *entry])
        return {}

    def capture(self, shaping_here: bool) -> dict[str, Any]:
        """Start the captures that are possible here; says of what."""
        return {"where": self.captures.start(shaping_here=shaping_here)}

    def finish(self) -> dict[str, Any]:
        """End the captures; says where they are and how large."""
        return {"files": self.captures.finish()}

    def fetch(self, path: str, offset: int) -> dict[str, Any]:
        """A piece of a capture's file, packed by zlib, as base64: many frames are alike."""
        with Path(path).open("rb") as file:
            file.seek(offset)
            packed = zlib.compress(file.read(CHUNK), level=1)
        return {"piece": base64.b64encode(packed).decode()}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks; what fails is an answer too."""
        what = request.pop("do")
        number = request.pop("id")
        try:
            return {"id": number, **getattr(self, what)(**request)}
        except (Failed, OSError, subprocess.SubprocessError) as error:
            return {"id": number, "failed": str(error)}

    def close(self) -> None:
        """Put the link back to clean."""
        self.captures.close()
        for queue in ("clsact", "root"):
            argv = ["tc", "qdisc", "delete", "dev", DEVICE, queue]
            subprocess.run(argv, capture_output=True, timeout=10, check=False)
        if self.appliance is not None:
            self.appliance.close()


def say(answer: dict[str, Any]) -> None:
    """Write one line to whoever drives this link."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def serve(agent: Agent) -> None:
    """Answer requests until standard input ends."""
    waiting = b""
    told = False
    while True:
        watched = [0]
        if agent.appliance is not None and not told:
            watched.append(agent.appliance.pidfd)
        ready, _, _ = select.select(watched, [], [])
        if ready != [0] and not told:
            assert agent.appliance is not None
            say({"broken": agent.appliance.obituary()})
            told = True
        if 0 not in ready:
            continue
        received = os.read(0, 1 << 16)
        if not received:
            return
        waiting += received
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            say(agent.answer(json.loads(line)))


def main() -> None:
    agent = Agent()
    try:
        serve(agent)
    finally:
        agent.close()


if __name__ == "__main__":
    main()
