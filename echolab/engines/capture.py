"""Packet captures of one host: what it hands to its link, and what the link lets through.

`after-link` is a packet socket on the host's device, which sees what leaves behind its
queue and what arrives. `before-link` is a mirror: a filter on the device's egress hook
copies each packet to a dummy device before it meets the queue, and a packet socket there
sees the copy. The files are pcap with nanoseconds, as the kernel stamped the packets
(draft-ietf-opsawg-pcap).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from echolab.engines import rtnetlink
from echolab.engines.contract import Captured
from echolab.engines.hosts import DEVICE, DEVICE_INDEX, HostNamespaces
from echolab.engines.packets import AT_ONCE, LARGEST_PACKET, Batch
from echolab.errors import CannotRun

BEFORE, AFTER = "before-link", "after-link"

MIRROR = "lab0"
MIRROR_INDEX = 101
MIRROR_PREFERENCE = 1
"""Before every filter that drops chosen packets."""

BUFFER = 32 << 20
"""Bytes that packets may take in a socket until they are drained."""

SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SOL_PACKET = 263
PACKET_STATISTICS = 6

MAGIC_NANOSECONDS = 0xA1B23C4D
LINKTYPE_ETHERNET = 1

_FILE_HEADER = struct.pack(
    "=IHHiIII", MAGIC_NANOSECONDS, 2, 4, 0, 0, LARGEST_PACKET, LINKTYPE_ETHERNET
)
_PACKET_HEADER = struct.Struct("=IIII")
_STATISTICS = struct.Struct("=II")


class Capture:
    """A packet socket whose packets go to a file; `finish` makes the file whole.

    It must be made in the network namespace of the device; `batch` may serve others, too.
    """

    def __init__(self, host: str, where: str, device: str, folder: Path, batch: Batch) -> None:
        self.captured = Captured(host, where, str(folder / f"{host}.{where}.pcap"))
        self._batch = batch
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.bind((device, rtnetlink.ETH_P_ALL))
            self._file = open(self.captured.file, "wb", buffering=1 << 18)  # noqa: SIM115
            self._file.write(_FILE_HEADER)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The socket's descriptor, readable where packets wait."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Write the packets that wait. Raises CannotRun where the file cannot grow."""
        packets: list[bytes] = []
        taken = AT_ONCE
        while taken == AT_ONCE:
            found = self._batch.take(self._socket.fileno())
            taken = len(found)
            for seconds, nanoseconds, data in found:
                packets.append(_PACKET_HEADER.pack(seconds, nanoseconds, len(data), len(data)))
                packets.append(data)
        self._write(b"".join(packets))

    def finish(self) -> Captured:
        """Write what is left and close the file.

        Raises CannotRun where packets were lost: a capture that is not whole is none.
        """
        self.drain()
        counted = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
        lost = _STATISTICS.unpack(counted)[1]
        self.close()
        if lost:
            raise CannotRun(
                f"the capture {os.path.basename(self.captured.file)} lost {lost} packets",
                "run it with --no-capture, or with less traffic",
            )
        return self.captured

    def close(self) -> None:
        """Let go of socket and file; a second call does nothing."""
        self._socket.close()
        self._write(b"")
        if not self._file.closed:
            self._file.close()

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise CannotRun(
                f"cannot write {self.captured.file}: {error.strerror}", "make room on that disk"
            ) from error


def captures(name: str, host: HostNamespaces, folder: Path, batch: Batch) -> Sequence[Capture]:
    """Begin to capture what a host sends and receives."""
    with host.network():
        _keep_quiet()
        with rtnetlink.Netlink() as link:
            link.send(
                (
                    rtnetlink.dummy(MIRROR, MIRROR_INDEX),
                    rtnetlink.egress_hook(DEVICE_INDEX),
                    rtnetlink.mirror(DEVICE_INDEX, MIRROR_PREFERENCE, MIRROR_INDEX),
                )
            )
        rtnetlink.offloads_off(MIRROR)  # so that the copies' checksums are filled in
        return (
            Capture(name, BEFORE, MIRROR, folder, batch),
            Capture(name, AFTER, DEVICE, folder, batch),
        )


def _keep_quiet() -> None:
    """Let devices made from now on send nothing of their own (IPv6 would look for routers)."""
    setting = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    if setting.exists():
        setting.write_text("1", encoding="ascii")
