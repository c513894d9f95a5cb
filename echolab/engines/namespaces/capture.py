"""Packet captures of one host: what it sends to its link, and what the link lets through.

`after-link` is a packet socket on the host's device, which sees what leaves after its queue and
what arrives. `before-link` is a mirror: a filter on the device's egress hook copies each packet to
a dummy device before it meets the queue, and a packet socket there sees the copy. The files are
pcap with nanoseconds, with the kernel's time stamps (draft-ietf-opsawg-pcap).
"""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from echolab.engines.contract import Capture, Interface, capture_file
from echolab.engines.namespaces import rtnetlink
from echolab.engines.namespaces.hosts import FIRST_DEVICE, HostNamespaces
from echolab.engines.namespaces.recvmmsg import AT_ONCE, LARGEST_PACKET, Batch
from echolab.errors import CannotRun

BEFORE, AFTER = "before-link", "after-link"

MIRROR = "lab"
"""How the devices that receive the copies are called, each with its number."""
MIRROR_PREFERENCE = 1
"""Before every filter that drops chosen packets."""

BUFFER = 32 << 20
"""Bytes of packets that may wait in a socket until they are drained."""

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


class PacketSocket:
    """A packet socket whose packets go to a file; `finish` completes the file.

    It must be made in the network namespace of the device; `batch` may serve other captures, too.
    If it continues `earlier`, its packets are appended to that file.
    """

    def __init__(
        self, captured: Capture, device: str, batch: Batch, earlier: Capture | None = None
    ) -> None:
        self.captured = captured
        self._earlier = earlier.lost if earlier else 0
        self._batch = batch
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.bind((device, rtnetlink.ETH_P_ALL))
            mode = "ab" if earlier else "wb"
            self._file = open(self.captured.file, mode, buffering=1 << 18)  # noqa: SIM115
            if not earlier:
                self._file.write(_FILE_HEADER)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The socket's descriptor, readable while packets wait."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Write the packets that wait. Raises CannotRun if the file cannot grow."""
        packets: list[bytes] = []
        taken = AT_ONCE
        while taken == AT_ONCE:
            found = self._take()
            taken = len(found)
            for seconds, nanoseconds, data in found:
                packets.append(_PACKET_HEADER.pack(seconds, nanoseconds, len(data), len(data)))
                packets.append(data)
        self._write(b"".join(packets))

    def _take(self) -> Sequence[tuple[int, int, bytes]]:
        """The packets that wait in the socket, which reports once that its device went down."""
        try:
            return self._batch.take(self._socket.fileno())
        except OSError as error:
            if error.errno != errno.ENETDOWN:
                raise
            return self._batch.take(self._socket.fileno())

    def save(self) -> None:
        """Have what was captured so far in the file, on the machine's own disk."""
        self.drain()
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> Capture:
        """Write what is left and close the file; the capture says how many packets were lost."""
        self.drain()
        counted = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
        lost = self._earlier + _STATISTICS.unpack(counted)[1]
        self.close()
        return dataclasses.replace(self.captured, lost=lost)

    def close(self) -> None:
        """Close socket and file; a second call does nothing."""
        self._socket.close()
        if not self._file.closed:
            self._write(b"")
            self._file.close()

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise CannotRun(
                f"cannot write {self.captured.file}: {error.strerror}", "make room on that disk"
            ) from error


def captures(
    name: str,
    host: HostNamespaces,
    interfaces: Sequence[Interface],
    folder: Path,
    batch: Batch,
    earlier: Sequence[Capture] = (),
) -> Sequence[PacketSocket]:
    """Begin to capture what a host sends and receives on each of its devices.

    The captures of an `earlier` life continue in their files.
    """
    if not interfaces:
        return ()
    found: list[PacketSocket] = []
    with host.network():
        _keep_quiet()
        for number, (one, made) in enumerate(zip(interfaces, _mirrors(interfaces), strict=True)):
            index, (mirror, mirror_index) = FIRST_DEVICE + number, made
            with rtnetlink.Netlink() as link:
                link.send(
                    (
                        rtnetlink.dummy(mirror, mirror_index),
                        rtnetlink.egress_hook(index),
                        rtnetlink.mirror(index, MIRROR_PREFERENCE, mirror_index),
                    )
                )
                link.offloads_off(mirror)  # so that the copies' checksums are filled in
            for where, device in ((BEFORE, mirror), (AFTER, one.device)):
                file = str(folder / capture_file(name, one, where, len(interfaces)))
                captured = Capture(name, where, file, network=one.network)
                past = next((one for one in earlier if one.file == file), None)
                found.append(PacketSocket(captured, device, batch, past))
    return found


def stand_ins(host: HostNamespaces, interfaces: Sequence[Interface]) -> None:
    """Give a host without captures the devices that captures would give it.

    Programs see them: some list a host's devices, and Java seeds its random numbers with the list.
    """
    if not interfaces:
        return
    with host.network():
        _keep_quiet()
        with rtnetlink.Netlink() as link:
            try:
                link.send([rtnetlink.dummy(*mirror) for mirror in _mirrors(interfaces)])
            except OSError as error:
                # A kernel without dummy devices cannot capture: its hosts never have them.
                if error.errno != errno.EOPNOTSUPP:
                    raise


def _mirrors(interfaces: Sequence[Interface]) -> list[tuple[str, int]]:
    """The dummy device that belongs to each device of a host: its name and its index."""
    first = FIRST_DEVICE + len(interfaces)
    return [(f"{MIRROR}{number}", first + number) for number in range(len(interfaces))]


def _keep_quiet() -> None:
    """Keep devices made from now on from sending by themselves (IPv6 would look for routers)."""
    setting = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    if setting.exists():
        setting.write_text("1", encoding="ascii")
