"""A kernel with netem, booted as a process, through which all passes that a host sends.

What the host sends is led to a TAP device (tc-mirred(8), at the egress hook of eth0). The
guest kernel takes it from there, lets it through the netem of its own device, which is
called eth0 too, and writes it to a packet socket on the host's eth0. What the host
receives does not pass here.
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
from typing import Any

from command import DEVICE, Failed, run

TAP = "link0"
OUT = 10
"""The descriptor under which the guest kernel finds the packet socket."""

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
"""Packets that may wait for the guest to be scheduled: a quarter of a second of 40,000/s."""


class Appliance:
    """A running guest kernel; raises Failed where it does not boot."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.release = ""
        self._log: list[str] = []
        self._waiting = b""
        with contextlib.ExitStack() as undo:
            out = undo.enter_context(self._packet_socket())
            os.dup2(out.fileno(), OUT)
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[OUT],
                env=environment,
            )
            os.close(OUT)
            undo.callback(self.close)
            self.pidfd = os.pidfd_open(self._process.pid)
            self.release = self._hear(BOOT_LIMIT)["ready"]
            run(["ip", "link", "set", TAP, "addrgenmode", "none", "txqueuelen", QUEUE, "up"])
            run(["ethtool", "-K", TAP, "tx", "off", "tso", "off", "gso", "off"])
            undo.pop_all()

    @staticmethod
    def _packet_socket() -> socket.socket:
        """A socket that writes frames to the device and receives none.

        Strategy: past the qdisc layer (PACKET_QDISC_BYPASS, packet(7)) a frame does not
        meet the egress hook again that led it here, so nothing loops; protocol 0
        receives nothing, so what arrives for the host does not wait in this socket.
        """
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        out.bind((DEVICE, 0))
        return out

    def insert(self) -> None:
        """Lead all that the host sends through the guest."""
        run(["tc", "qdisc", "add", "dev", DEVICE, "clsact"])
        # Not every kernel has matchall; a u32 filter that looks at nothing matches all.
        every = ["protocol", "all", "u32", "match", "u32", "0", "0"]
        redirect = ["action", "mirred", "egress", "redirect", "dev", TAP]
        run(["tc", "filter", "add", "dev", DEVICE, "egress", *every, *redirect])

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have the guest do something. Raises Failed where it died or does not answer."""
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
        """The guest's next line of JSON; what else its console says goes to the log."""
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
        """Why the guest is gone or silent, with the last words of its kernel."""
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
