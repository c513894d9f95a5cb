"""Captures of what one host sends and receives, before and after its link, by tcpdump(8)."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pcap
from appliance import TAP, Appliance
from command import DEVICE, LIMIT, Failed, run

ROOM = Path("/tmp")  # noqa: S108 (this container's own, and its only place to write)

BEFORE = "before-link"
AFTER = "after-link"

MIRROR = "before0"
"""A device that nobody listens to but tcpdump: it gets a copy of what the host sends."""

MIRROR_PREFERENCE = "10"
"""`pref` of the filter that copies: before any that drops chosen packets."""

BUFFER = 16384
"""Kibibytes in which the kernel keeps what tcpdump has not read yet."""

GUEST_BUFFER = 4096
"""The same in the appliance, whose memory is small."""


def argv(device: str, direction: str, file: Path, buffer: int = BUFFER) -> list[str]:
    """The words of tcpdump(8). Immediate mode leaves nothing in a buffer at the end."""
    return [
        *("tcpdump", "-i", device, "-Q", direction, "-w", str(file), "-Z", "root", "-U"),
        *("-B", str(buffer), "--immediate-mode", "--time-stamp-precision=nano"),
    ]


class Capture:
    """One running tcpdump, its file open and listening."""

    def __init__(self, device: str, direction: str, file: Path) -> None:
        self.file = file
        self._process = subprocess.Popen(
            argv(device, direction, file), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._await_listening()

    def _await_listening(self) -> None:
        assert self._process.stderr is not None
        said = b""
        for line in self._process.stderr:
            said += line
            if b"listening on" in line:
                return
        raise Failed(f"tcpdump: {said.decode(errors='replace').strip()}")

    def finish(self) -> int:
        """End it; says how many packets the kernel could not keep for it."""
        self._process.send_signal(signal.SIGINT)
        _, raw = self._process.communicate(timeout=LIMIT)
        said = raw.decode(errors="replace")
        if self._process.returncode != 0:
            raise Failed(f"tcpdump ended early: {said.strip()[-200:]}")
        return missed(said)

    def close(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(timeout=LIMIT)


def missed(said: str) -> int:
    """Packets that tcpdump's closing words say were dropped by the kernel."""
    found = re.search(r"(\d+) packets? dropped by kernel", said)
    return int(found[1]) if found else 0


class Captures:
    """The captures of one link. Until an appliance stands in front, nothing shapes.

    Where this kernel shapes, a copy of what the host sends is taken at the egress hook,
    before the queue. Where an appliance does, the TAP that leads there has what the host
    sends, and the appliance's own device what it lets through: frames that come out of
    it pass the taps of the host's device by.
    """

    def __init__(self) -> None:
        self._running: list[tuple[str, Capture]] = []
        self._guest: Path | None = None
        self._appliance: Appliance | None = None

    def start(self, *, shaping_here: bool) -> list[str]:
        """Start what is possible now; says what that is."""
        self._add(AFTER, DEVICE, "inout")
        if shaping_here and not self._mirror():
            return [AFTER]
        self._add(BEFORE, MIRROR if shaping_here else DEVICE, "out")
        return [BEFORE, AFTER]

    def _mirror(self) -> bool:
        """Copy what the host sends to a device of its own; False where this kernel cannot."""
        every = ["protocol", "all", "u32", "match", "u32", "0", "0"]
        copy = ["action", "mirred", "egress", "mirror", "dev", MIRROR, "pipe"]
        try:
            run(["ip", "link", "add", MIRROR, "type", "dummy"])
            run(["ip", "link", "set", MIRROR, "addrgenmode", "none", "up"])
            run(["tc", "qdisc", "add", "dev", DEVICE, "clsact"])
            run(
                [
                    *("tc", "filter", "add", "dev", DEVICE, "egress"),
                    *("pref", MIRROR_PREFERENCE, *every, *copy, "action", "continue"),
                ]
            )
        except Failed:
            return False
        return True

    def follow(self, appliance: Appliance) -> None:
        """Go on behind and before an appliance that is about to be put in front."""
        if not self._running:
            return
        self._appliance = appliance
        self._guest = ROOM / "guest.pcap"
        self._add(BEFORE, TAP, "out")
        started = appliance.ask({"capture": argv(DEVICE, "out", self._guest, GUEST_BUFFER)})
        if started["status"] != 0:
            raise Failed(f"tcpdump in the appliance: {started['error']}")

    def _add(self, where: str, device: str, direction: str) -> None:
        file = ROOM / f"{where}-{len(self._running)}.pcap"
        self._running.append((where, Capture(device, direction, file)))

    def finish(self) -> dict[str, dict[str, Any]]:
        """End all; for each side of the link its file, its size and the packets missed."""
        parts: dict[str, list[tuple[Path, int]]] = {}
        lost: dict[str, int] = {}
        for where, capture in self._running:
            parts.setdefault(where, []).append((capture.file, 0))
            lost[where] = lost.get(where, 0) + capture.finish()
        if self._appliance is not None and self._guest is not None:
            said = self._appliance.ask({"finish": True})["error"]
            parts[AFTER].append((self._guest, self._appliance.clock_ahead()))
            lost[AFTER] += missed(said)
        self._running = []
        found = {}
        for where, files in parts.items():
            file = ROOM / f"{where}.pcap"
            pcap.merge(files, file)
            size = file.stat().st_size
            found[where] = {"path": str(file), "size": size, "missed": lost[where]}
        return found

    def close(self) -> None:
        """End whatever still runs, and take the mirror away."""
        for _, capture in self._running:
            capture.close()
        words = ["ip", "link", "delete", MIRROR]
        subprocess.run(words, capture_output=True, timeout=LIMIT, check=False)
