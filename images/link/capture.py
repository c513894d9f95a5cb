"""Captures of what a device of a host sends and receives, before and after its link, by
tcpdump(8).
"""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pcap
from appliance import Appliance
from command import LIMIT, Failed, run

ROOM = Path("/tmp")  # noqa: S108 (this container's own, and its only place to write)

BEFORE = "before-link"
AFTER = "after-link"

MIRROR = "before"
"""Devices on which only tcpdump listens get a copy of what the host sends; each has the number
of the host's device.
"""

MIRROR_PREFERENCE = "10"
"""`pref` of the filter that copies: lower than that of any filter that drops packets."""

BUFFER = 16384
"""Kibibytes of the kernel's buffer for what tcpdump has not read yet."""

GUEST_BUFFER = 4096
"""The same in the appliance, which has little memory."""


def argv(device: str, direction: str, file: Path, buffer: int = BUFFER) -> list[str]:
    """The arguments of tcpdump(8). Immediate mode leaves nothing in a buffer at the end."""
    return [
        "tcpdump",
        "-i",
        device,
        "-Q",
        direction,
        "-w",
        str(file),
        "-Z",
        "root",
        "-U",
        "-B",
        str(buffer),
        "--immediate-mode",
        "--time-stamp-precision=nano",
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
        """End it; return how many packets the kernel dropped because its buffer was full."""
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
    """How many packets the kernel dropped, by tcpdump's last lines."""
    found = re.search(r"(\d+) packets? dropped by kernel", said)
    return int(found[1]) if found else 0


class Captures:
    """The captures of one link, that of the host's device of this name and number.

    Until an appliance stands in front, nothing shapes.

    Where this kernel shapes, a copy of what the host sends is taken at the egress hook,
    before the queue. Where an appliance does, the TAP that leads there has what the host
    sends, and the appliance's own device what it lets through: frames that come out of
    it pass the taps of the host's device by.
    """

    def __init__(self, device: str, number: int) -> None:
        self._device = device
        self._number = number
        self._mirror = f"{MIRROR}{number}"
        self._running: list[tuple[str, Capture]] = []
        self._guest: Path | None = None
        self._appliance: Appliance | None = None

    def start(self, *, shaping_here: bool) -> list[str]:
        """Start what is possible now; return what that is."""
        self._add(AFTER, self._device, "inout")
        if shaping_here and not self._copied():
            return [AFTER]
        self._add(BEFORE, self._mirror if shaping_here else self._device, "out")
        return [BEFORE, AFTER]

    def _copied(self) -> bool:
        """Copy what the host sends to a separate device; False if this kernel cannot."""
        every = ["protocol", "all", "u32", "match", "u32", "0", "0"]
        copy = ["action", "mirred", "egress", "mirror", "dev", self._mirror, "pipe"]
        try:
            run(["ip", "link", "add", self._mirror, "type", "dummy"])
            run(["ip", "link", "set", self._mirror, "addrgenmode", "none", "up"])
            # Then it counts each segment of a burst.
            run(["ethtool", "-K", self._mirror, "tx", "off", "tso", "off", "gso", "off"])
            run(["tc", "qdisc", "add", "dev", self._device, "clsact"])
            run(
                [
                    "tc",
                    "filter",
                    "add",
                    "dev",
                    self._device,
                    "egress",
                    "pref",
                    MIRROR_PREFERENCE,
                    *every,
                    *copy,
                    "action",
                    "continue",
                ]
            )
        except Failed:
            return False
        return True

    def follow(self, appliance: Appliance) -> None:
        """Go on capturing before and after an appliance that is about to be inserted."""
        if not self._running:
            return
        self._appliance = appliance
        self._guest = ROOM / f"guest-{self._number}.pcap"
        self._add(BEFORE, appliance.tap(self._number), "out")
        words = argv(self._device, "out", self._guest, GUEST_BUFFER)
        started = appliance.ask({"capture": words})
        if started["status"] != 0:
            raise Failed(f"tcpdump in the appliance: {started['error']}")

    def _add(self, where: str, device: str, direction: str) -> None:
        file = ROOM / f"{self._device}-{where}-{len(self._running)}.pcap"
        self._running.append((where, Capture(device, direction, file)))

    @property
    def in_guest(self) -> bool:
        """Whether the appliance captures, too."""
        return self._guest is not None

    def finish(self, said: str) -> dict[str, dict[str, Any]]:
        """End all; return for each side of the link its file, its size and the packets missed.

        `said` is what the appliance's own capture, which has ended, said at its end.
        """
        parts: dict[str, list[tuple[Path, int]]] = {}
        lost: dict[str, int] = {}
        for where, capture in self._running:
            parts.setdefault(where, []).append((capture.file, 0))
            lost[where] = lost.get(where, 0) + capture.finish()
        if self._appliance is not None and self._guest is not None:
            parts[AFTER].append((self._guest, self._appliance.clock_ahead()))
            lost[AFTER] += missed(said)
        self._running = []
        found = {}
        for where, files in parts.items():
            file = ROOM / f"{self._device}-{where}.pcap"
            pcap.merge(files, file)
            size = file.stat().st_size
            found[where] = {"path": str(file), "size": size, "missed": lost[where]}
        return found

    def close(self) -> None:
        """End whatever is still running, and remove the mirror."""
        for _, capture in self._running:
            capture.close()
        words = ["ip", "link", "delete", self._mirror]
        subprocess.run(words, capture_output=True, timeout=LIMIT, check=False)
