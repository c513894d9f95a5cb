"""A kernel with netem, booted as a process, through which all packets of a host pass.

What the host sends by a device is redirected to a TAP device (tc-mirred(8), at the egress
hook). The guest kernel takes it from there, passes it through the netem of a device of its
own, which is called like the host's, and writes it to a packet socket on the host's device.
What the host receives does not pass through here.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from command import Failed, run

TAP = "link"
"""What the TAP devices are called, each with the number of the host's device."""

FIRST_OUT = 100
"""The descriptor under which the guest kernel finds the first device's packet socket."""

SOL_PACKET = 263
PACKET_QDISC_BYPASS = 20
"""<linux/if_packet.h>; Python's socket module does not name it."""

BOOT_LIMIT = 30.0
"""Seconds in which the guest must be ready; it takes 0.3 on an idle machine."""

ASK_LIMIT = 30.0
"""Seconds in which the guest must answer."""

QUESTIONS = 20
"""How often the guest is asked for its time."""

QUEUE = "10000"
"""Packets that may wait until the guest is scheduled: 0.25 s at 40,000 packets/s."""


class Appliance:
    """A running guest kernel. Raises Failed if it does not boot."""

    def __init__(
        self, argv: list[str], environment: dict[str, str], devices: Sequence[str]
    ) -> None:
        self.release = ""
        self.devices = devices
        self._log: list[str] = []
        self._waiting = b""
        with contextlib.ExitStack() as undo:
            outs = []
            for number, device in enumerate(devices):
                out = undo.enter_context(self._packet_socket(device))
                outs.append(os.dup2(out.fileno(), FIRST_OUT + number))
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=outs,
                env=environment,
            )
            for descriptor in outs:
                os.close(descriptor)
            undo.callback(self.close)
            self.pidfd = os.pidfd_open(self._process.pid)
            self.release = self._hear(BOOT_LIMIT)["ready"]
            for number in range(len(devices)):
                tap = self.tap(number)
                run(["ip", "link", "set", tap, "addrgenmode", "none", "txqueuelen", QUEUE, "up"])
                run(["ethtool", "-K", tap, "tx", "off", "tso", "off", "gso", "off"])
            undo.pop_all()

    @staticmethod
    def tap(number: int) -> str:
        """The TAP device behind the host's device of that number."""
        return f"{TAP}{number}"

    @staticmethod
    def _packet_socket(device: str) -> socket.socket:
        """A socket that writes frames to the device but receives none.

        Strategy: past the qdisc layer (PACKET_QDISC_BYPASS, packet(7)) a frame does not
        meet the egress hook again that led it here, so nothing loops; protocol 0
        receives nothing, so what arrives for the host does not wait in this socket.
        """
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        out.bind((device, 0))
        return out

    def insert(self) -> None:
        """Redirect everything that the host sends through the guest."""
        for number, device in enumerate(self.devices):
            run(["tc", "qdisc", "add", "dev", device, "clsact"])
            # Not every kernel has matchall; a u32 filter that looks at no bits matches everything.
            every = ["protocol", "all", "u32", "match", "u32", "0", "0"]
            redirect = ["action", "mirred", "egress", "redirect", "dev", self.tap(number)]
            run(["tc", "filter", "add", "dev", device, "egress", *every, *redirect])

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have the guest do something. Raises Failed if it has died or does not answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise Failed(self.obituary()) from None
        return self._hear(ASK_LIMIT)

    def clock_ahead(self) -> int:
        """Nanoseconds by which the guest's clock is ahead of this machine's.

        Strategy: the guest's clock starts with its boot and keeps its distance from then
        on. Of some questions, the one that was answered quickest bounds it best: it was
        answered between its two readings of our clock, on average in the middle.
        """
        readings = []
        for _ in range(QUESTIONS):
            asked = time.time_ns()
            there = self.ask({"clock": True})["clock"]
            heard = time.time_ns()
            readings.append((heard - asked, there - (asked + heard) // 2))
        return int(min(readings)[1])

    def _hear(self, limit: float) -> dict[str, Any]:
        """The guest's next line of JSON; other console output goes to the log."""
        assert self._process.stdout is not None
        end = time.monotonic() + limit
        while True:
            *lines, self._waiting = self._waiting.split(b"\n") if self._waiting else [b""]
            for number, line in enumerate(lines):
                if line.startswith(b"{"):
                    rest = lines[number + 1 :]
                    self._waiting = b"\n".join([*rest, self._waiting])
                    answer: dict[str, Any] = json.loads(line)
                    return answer
                self._log.append(line.decode(errors="replace").strip())
            ready, _, _ = select.select([self._process.stdout], [], [], end - time.monotonic())
            received = os.read(self._process.stdout.fileno(), 1 << 16) if ready else b""
            if not received:
                raise Failed(self.obituary())
            self._waiting += received

    def obituary(self) -> str:
        """Why the guest is gone or silent, with the last lines of its kernel."""
        try:
            status = self._process.wait(timeout=1)
            end = f"ended with status {status}"
        except subprocess.TimeoutExpired:
            end = "does not answer"
        words = "; ".join(line for line in self._log[-3:] if line)
        return f"the appliance's kernel {end}" + (f": {words}" if words else "")

    def close(self) -> None:
        """End the guest; its TAP device goes with it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)
