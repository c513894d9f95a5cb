"""The links of one host: shapes what it sends, reads its counters, captures its packets.

Runs in a container that shares the host's network namespace. Requests come as lines of
JSON on standard input. Each gets one line of JSON on standard output, with its `id`. When
standard input ends, however the lab ended, the program resets the links and exits. What
breaks by itself is reported as a line with `broken` and without `id`.
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
from command import Failed, run

CHUNK = 1 << 20
"""Bytes of a file that one answer carries."""


DEVICES = Path("/sys/class/net")


class Agent:
    """What the links of one host can do; `close` resets them."""

    def __init__(self) -> None:
        self.appliance: Appliance | None = None
        self.devices: list[str] = []
        self.captures: list[Captures] = []

    def prepare(self, hardware: list[str]) -> dict[str, Any]:
        """Find the devices by their hardware addresses and tell their names and MTUs.

        Make every packet a frame of its own, even before anything is shaped.

        With segmentation offloads a host hands frames of up to 64 KiB to its link, and one
        loss would hit forty segments at once. Even without them TCP joins up to
        gso_max_segs segments (ip-link(8)), which are split only after the queue.
        """
        found = {_text(one / "address"): one.name for one in DEVICES.iterdir()}
        self.devices = [found[address] for address in hardware]
        for device in self.devices:
            run(["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"])
            run(["ip", "link", "set", "dev", device, "gso_max_segs", "1"])
        said = run(["tc", "-V"])
        return {
            "kernel": os.uname().release,
            "iproute2": said.partition("iproute2-")[2].strip(),
            "devices": self.devices,
            "mtus": [int(_text(DEVICES / device / "mtu")) for device in self.devices],
        }

    def boot(self, argv: list[str], environment: dict[str, str]) -> dict[str, Any]:
        """Boot a kernel that has netem and send all the host's packets through it."""
        if self.appliance is None:
            self.appliance = Appliance(argv, environment, self.devices)
            for capture in self.captures:
                capture.follow(self.appliance)
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
        """The text of a file as this network namespace shows it, or why it cannot be read."""
        try:
            return {"text": Path(path).read_text(encoding="utf-8", errors="replace")}
        except OSError as error:
            return {"why": error.strerror}

    def neighbours(self, entries: dict[str, dict[str, str]]) -> dict[str, Any]:
        """Enter the hardware addresses of other hosts permanently, so that no ARP is needed.

        `entries` has, for each device, the hardware address of each address.
        """
        lines = [
            f"neighbour replace {address} lladdr {hardware} dev {device} nud permanent\n"
            for device, known in entries.items()
            for address, hardware in known.items()
        ]
        run(["ip", "-batch", "-"], "".join(lines))
        return {}

    def capture(self, shaping_here: bool) -> dict[str, Any]:
        """Start the captures that are possible here; return which those are for each device."""
        self.captures = [Captures(device, number) for number, device in enumerate(self.devices)]
        return {"where": [capture.start(shaping_here=shaping_here) for capture in self.captures]}

    def finish(self) -> dict[str, Any]:
        """End the captures; return where they are and how large, for each device."""
        said = [""] * len(self.captures)
        if self.appliance is not None and any(capture.in_guest for capture in self.captures):
            said = self.appliance.ask({"finish": True})["errors"]
        return {
            "files": [
                capture.finish(words) for capture, words in zip(self.captures, said, strict=True)
            ]
        }

    def silence(self) -> dict[str, Any]:
        """Let nothing in or out of the host any more, as when it loses power."""
        for device in sorted(Path("/sys/class/net").iterdir()):
            if device.name != "lo":
                run(["ip", "link", "set", "dev", device.name, "down"])
        return {}

    def fetch(self, path: str, offset: int) -> dict[str, Any]:
        """A piece of a capture file as base64, compressed with zlib: many frames are alike."""
        with Path(path).open("rb") as file:
            file.seek(offset)
            packed = zlib.compress(file.read(CHUNK), level=1)
        return {"piece": base64.b64encode(packed).decode()}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks; a failure is an answer too."""
        what = request.pop("do")
        number = request.pop("id")
        try:
            return {"id": number, **getattr(self, what)(**request)}
        except (Failed, OSError, subprocess.SubprocessError) as error:
            return {"id": number, "failed": str(error)}

    def close(self) -> None:
        """Reset the links."""
        for capture in self.captures:
            capture.close()
        for device in self.devices:
            for queue in ("clsact", "root"):
                argv = ["tc", "qdisc", "delete", "dev", device, queue]
                subprocess.run(argv, capture_output=True, timeout=10, check=False)
        if self.appliance is not None:
            self.appliance.close()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def say(answer: dict[str, Any]) -> None:
    """Write one line to the process that controls this link."""
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
