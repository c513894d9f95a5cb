"""A small rtnetlink client: devices, addresses, neighbours, by messages to the kernel.

Messages are built by functions and sent in batches through a `Netlink` socket, which
belongs to the network namespace in which it was opened. Numbers and layouts are those of the
kernel's linux/rtnetlink.h, linux/if_link.h and linux/neighbour.h; see rtnetlink(7).
"""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from types import TracebackType

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLA_TYPE_MASK = 0x3FFF

RTM_NEWLINK, RTM_DELLINK = 16, 17
RTM_NEWADDR = 20
RTM_NEWROUTE = 24
RTM_NEWNEIGH = 28
RTM_NEWQDISC = 36
RTM_GETQDISC = 38
RTM_NEWTFILTER = 44

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFLA_LINKINFO = 18
IFLA_NET_NS_FD = 28
IFLA_GSO_MAX_SEGS = 40
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
VETH_INFO_PEER = 1
IFLA_BR_MCAST_SNOOPING = 23

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_BROADCAST = 4
IFA_F_NODAD = 0x02

RTA_GATEWAY = 5
RT_TABLE_MAIN = 254
RTPROT_BOOT = 3
RT_SCOPE_UNIVERSE = 0
RTN_UNICAST = 1

NDA_DST = 1
NDA_LLADDR = 2
NUD_NOARP = 0x40
NUD_PERMANENT = 0x80
NTF_MASTER = 0x04

TCA_KIND = 1
TCA_OPTIONS = 2
TCA_NETEM_PRNG_SEED = 14
TCA_MATCHALL_ACT = 2
TCA_ACT_KIND = 1
TCA_ACT_OPTIONS = 2
TCA_MIRRED_PARMS = 2
TC_H_ROOT = 0xFFFFFFFF
TC_H_CLSACT = 0xFFFFFFF1
TC_H_CLSACT_EGRESS = 0xFFFFFFF3
TC_ACT_CONTINUE = -1
TCA_EGRESS_MIRROR = 2
ETH_P_ALL = 0x0003

SIOCETHTOOL = 0x8946
OFFLOADS = {"tx checksums": 0x17, "sg": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
"""Commands of linux/ethtool.h that switch an offload (ETHTOOL_STXCSUM and so on)."""

ETHTOOL_GLINK = 0x0A

USUAL_MTU = 1500
"""The largest packet of an Ethernet device, unless given otherwise."""

LARGEST_BATCH = 32768
"""Bytes of messages sent at once, well below a socket's send buffer."""

LARGEST_ANSWER = 65536
"""Bytes of one datagram of a dump, more than the kernel puts into it."""

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
TRAFFIC = struct.Struct("=BxxxiIII")
_NETEM = struct.Struct("=IIIIII")
MIRRED = struct.Struct("=IIiiiiI")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_SEED = struct.Struct("=Q")

Message = tuple[int, int, bytes, str]
"""Type, flags and body of a message, and what it does, for error messages."""


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of the bridge whose index is `bridge`."""

    name: str
    index: int
    bridge: int


@dataclasses.dataclass(frozen=True)
class Device:
    """A host's network device."""

    name: str
    index: int
    mac: str


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute: length, type, value, filled up to four bytes (netlink(7))."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def _text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def _hardware(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _family(ip: str) -> tuple[int, bytes]:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    return int(family), socket.inet_pton(family, ip)


def _link_header(index: int, *, up: bool) -> bytes:
    """struct ifinfomsg: flags, and the mask of the flags to change; IFF_UP is 1."""
    return _LINK.pack(socket.AF_UNSPEC, 0, index, int(up), int(up))


def _link_info(kind: str, data: bytes = b"") -> bytes:
    value = _text(IFLA_INFO_KIND, kind) + (attribute(IFLA_INFO_DATA, data) if data else b"")
    return attribute(IFLA_LINKINFO, value)


def bridge(name: str, index: int) -> Message:
    """Create a bridge, up, that does not snoop multicast."""
    data = attribute(IFLA_BR_MCAST_SNOOPING, b"\0")
    body = _link_header(index, up=True) + _text(IFLA_IFNAME, name) + _link_info("bridge", data)
    return RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"create bridge {name}"


def dummy(name: str, index: int) -> Message:
    """Create a dummy device, up: what is sent there is seen by sockets and discarded."""
    body = _link_header(index, up=True) + _text(IFLA_IFNAME, name) + _link_info("dummy")
    return RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"create dummy {name}"


def aside(name: str, index: int) -> Message:
    """Create an ifb device, up: what is redirected there goes on later where it was."""
    body = _link_header(index, up=True) + _text(IFLA_IFNAME, name) + _link_info("ifb")
    return RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"create ifb {name}"


def cable(port: Port, device: Device, namespace: int, mtu: int = USUAL_MTU) -> Message:
    """Create a veth pair: `port` here, up, and `device` in the network namespace that the
    descriptor refers to, still down. `mtu` is the largest packet of both, in bytes.

    The kernel opens the far end before the two are joined (drivers/net/veth.c, veth_newlink),
    so it can only be brought up afterwards.
    """
    most = b"" if mtu == USUAL_MTU else _number(IFLA_MTU, mtu)
    far = (
        _link_header(device.index, up=False),
        most,
        _text(IFLA_IFNAME, device.name),
        attribute(IFLA_ADDRESS, _hardware(device.mac)),
        _number(IFLA_NET_NS_FD, namespace),
    )
    near = (
        _link_header(port.index, up=True),
        _text(IFLA_IFNAME, port.name),
        most,
        _number(IFLA_MASTER, port.bridge),
        _link_info("veth", attribute(VETH_INFO_PEER, b"".join(far))),
    )
    purpose = f"create veth {port.name}"
    return RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, b"".join(near), purpose


def up(index: int) -> Message:
    """Bring a device up."""
    return RTM_NEWLINK, 0, _link_header(index, up=True), f"bring device {index} up"


def down(index: int) -> Message:
    """Take a device down: nothing passes it any more."""
    body = _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 1)
    return RTM_NEWLINK, 0, body, f"take device {index} down"


def remove(index: int) -> Message:
    """Remove a device; the other end of a cable goes with it."""
    return RTM_DELLINK, 0, _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0), f"remove device {index}"


def one_by_one(index: int) -> Message:
    """Make TCP send each segment by itself.

    It joins segments whatever a device offers, and has them cut after the queue (ip-link(8),
    gso_max_segs; net/core/sock.c, sk_setup_caps): a queue would lose many at once.
    """
    body = _link_header(index, up=True) + _number(IFLA_GSO_MAX_SEGS, 1)
    return RTM_NEWLINK, 0, body, f"hand segments over one by one on device {index}"


def address(index: int, ip: str, prefix: int) -> Message:
    """Give a device an address; version 6 without duplicate address detection."""
    family, packed = _family(ip)
    body = _ADDRESS.pack(family, prefix, IFA_F_NODAD, 0, index)
    body += attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
    if family == socket.AF_INET:
        mask = (1 << (32 - prefix)) - 1
        broadcast = int.from_bytes(packed, "big") | mask
        body += attribute(IFA_BROADCAST, broadcast.to_bytes(4, "big"))
    return RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body, f"add address {ip}"


def default_route(gateway: str) -> Message:
    """Send through a gateway everything that no other route matches."""
    family, packed = _family(gateway)
    kind = (RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST)
    body = _ROUTE.pack(family, 0, 0, 0, *kind, 0) + attribute(RTA_GATEWAY, packed)
    return RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body, f"add default route by {gateway}"


def neighbour(index: int, ip: str, mac: str) -> Message:
    """Enter a permanent neighbour: that address is at that MAC."""
    family, packed = _family(ip)
    body = _NEIGHBOUR.pack(family, index, NUD_PERMANENT, 0, 0)
    body += attribute(NDA_DST, packed) + attribute(NDA_LLADDR, _hardware(mac))
    return RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, f"add neighbour {ip}"


def station(port_index: int, mac: str) -> Message:
    """Tell a bridge permanently which port a MAC is behind, so that it never floods for it."""
    body = _NEIGHBOUR.pack(socket.AF_BRIDGE, port_index, NUD_NOARP, NTF_MASTER, 0)
    body += attribute(NDA_LLADDR, _hardware(mac))
    return RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, f"add station {mac}"


def netem(index: int) -> Message:
    """Put a netem queue that does nothing on a device; ENOENT if the kernel has no netem."""
    body = TRAFFIC.pack(socket.AF_UNSPEC, index, 0, TC_H_ROOT, 0) + _text(TCA_KIND, "netem")
    body += attribute(TCA_OPTIONS, _NETEM.pack(0, 1000, 0, 0, 0, 0))
    return RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, body, "create a netem queue"


def egress_hook(index: int) -> Message:
    """Create the hook (clsact) whose filters see what a device sends before its queue."""
    body = TRAFFIC.pack(socket.AF_UNSPEC, index, 0xFFFF0000, TC_H_CLSACT, 0)
    return (
        RTM_NEWQDISC,
        NLM_F_CREATE | NLM_F_EXCL,
        body + _text(TCA_KIND, "clsact"),
        "create the egress hook",
    )


def mirror(index: int, preference: int, to: int) -> Message:
    """Have everything that a device sends copied to another before its queue, then go on.

    The same as `tc filter add dev DEVICE egress pref PREFERENCE matchall action mirred
    egress mirror dev TO continue`.
    """
    protocol = socket.htons(ETH_P_ALL)
    info = preference << 16 | protocol
    parameters = MIRRED.pack(0, 0, TC_ACT_CONTINUE, 0, 0, TCA_EGRESS_MIRROR, to)
    action = _text(TCA_ACT_KIND, "mirred") + attribute(
        TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, parameters)
    )
    body = (
        TRAFFIC.pack(socket.AF_UNSPEC, index, 0, TC_H_CLSACT_EGRESS, info),
        _text(TCA_KIND, "matchall"),
        attribute(TCA_OPTIONS, attribute(TCA_MATCHALL_ACT, attribute(1, action))),
    )
    return RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, b"".join(body), "mirror what is sent"


class Netlink:
    """A socket to the kernel's routing tables in the namespace in which it was opened."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket, and with it what keeps an otherwise empty namespace alive."""
        self._socket.close()

    def send(self, messages: Iterable[Message]) -> None:
        """Have the kernel carry out messages in order.

        Raises OSError, which says what could not be done, for the first one that fails.
        """
        batch: list[Message] = []
        size = 0
        for message in messages:
            batch.append(message)
            size += _HEADER.size + len(message[2])
            if size > LARGEST_BATCH:
                self._exchange(batch)
                batch, size = [], 0
        if batch:
            self._exchange(batch)

    def offloads_off(self, device: str) -> None:
        """Switch off what would join packets or leave checksums out, in the same namespace.

        With segmentation offload, one loss would take many segments at once.
        """
        for command in OFFLOADS.values():
            _ethtool(self._socket, device, bytearray(struct.pack("=II", command, 0)))

    def carries(self, device: str) -> bool:
        """Whether a device has a carrier; asking makes the kernel take note of the carrier.

        Otherwise the kernel does so some time later, from a work queue, and until then the device
        drops what it must send (net/core/link_watch.c, linkwatch_sync_dev).
        """
        value = bytearray(struct.pack("=II", ETHTOOL_GLINK, 0))
        _ethtool(self._socket, device, value)
        return bool(struct.unpack("=II", value)[1])

    def _exchange(self, batch: Sequence[Message]) -> None:
        """Send a batch; the kernel answers each message that failed and the last one."""
        first = self._sequence + 1
        self._sequence += len(batch)
        packed = []
        for sequence, (kind, flags, body, _) in enumerate(batch, start=first):
            flags |= NLM_F_REQUEST | (NLM_F_ACK if sequence == self._sequence else 0)
            length = _HEADER.size + len(body)
            packed.append(_HEADER.pack(length, kind, flags, sequence, 0) + body)
        self._socket.send(b"".join(packed))
        failed: tuple[int, int] | None = None
        sequence = 0
        while sequence != self._sequence:
            for sequence, number in acknowledgements(self._socket.recv(65536)):
                if number and failed is None:
                    failed = sequence, number
        if failed:
            purpose = batch[failed[0] - first][3]
            raise OSError(failed[1], f"{purpose}: {os.strerror(failed[1])}")

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The bodies of all messages that answer a request for a dump. Raises OSError."""
        self._sequence += 1
        header = (_HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, self._sequence, 0)
        self._socket.send(_HEADER.pack(*header) + body)
        found: list[bytes] = []
        while True:
            for answer, payload in _messages(self._socket.recv(LARGEST_ANSWER)):
                if answer == NLMSG_DONE:
                    return found
                if answer == NLMSG_ERROR:
                    number = -_ERROR.unpack_from(payload)[0]
                    raise OSError(number, f"asking the kernel: {os.strerror(number)}")
                found.append(payload)

    def seed_netem(self, index: int, handle: int, seed: int) -> bool:
        """Seed the generator of a netem queue; return whether this kernel knows seeds.

        Strategy: netem takes all its options at once, so it is given its present options back, with
        the seed changed (net/sched/sch_netem.c, netem_change). Raises OSError.
        """
        for payload in self.dump(RTM_GETQDISC, TRAFFIC.pack(socket.AF_UNSPEC, index, 0, 0, 0)):
            _, found, own, parent, _ = TRAFFIC.unpack_from(payload)
            if (found, own) != (index, handle):
                continue
            attributes = dict(attributes_of(payload[TRAFFIC.size :]))
            options = attributes[TCA_OPTIONS]
            known = dict(attributes_of(options[_NETEM.size :]))
            if TCA_NETEM_PRNG_SEED not in known:
                return False
            known[TCA_NETEM_PRNG_SEED] = _SEED.pack(seed)
            body = TRAFFIC.pack(socket.AF_UNSPEC, index, handle, parent, 0)
            body += _text(TCA_KIND, "netem")
            told = b"".join(attribute(number, value) for number, value in known.items())
            body += attribute(TCA_OPTIONS, options[: _NETEM.size] + told)
            self.send([(RTM_NEWQDISC, 0, body, "seed a netem queue")])
            return True
        raise OSError(errno.ENOENT, f"no netem queue {handle >> 16:x}: on device {index}")


def _messages(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Type and body of each message in a datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            raise OSError(errno.EBADMSG, f"netlink message of {length} bytes")
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def attributes_of(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Type and value of each attribute in a message's body (netlink(7))."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            raise OSError(errno.EBADMSG, f"netlink attribute of {length} bytes")
        yield kind & NLA_TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def acknowledgements(data: bytes) -> Iterable[tuple[int, int]]:
    """Sequence and error number (0 for none) of each NLMSG_ERROR in a datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            raise OSError(errno.EBADMSG, f"netlink message of {length} bytes")
        if kind == NLMSG_ERROR:
            yield sequence, -_ERROR.unpack_from(data, offset + _HEADER.size)[0]
        offset += (length + 3) & ~3


def _ethtool(asking: socket.socket, device: str, value: bytearray) -> None:
    """The ioctl takes a pointer in struct ifreq, so the value must stay where it is."""
    buffer = (ctypes.c_char * len(value)).from_buffer(value)
    request = struct.pack("16sP16x", device.encode(), ctypes.addressof(buffer))
    fcntl.ioctl(asking, SIOCETHTOOL, request)
