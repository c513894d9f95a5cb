"""Calls between a lab that stays and its user: messages of any length, one at a time.

The lab's side makes every call: it hands over its answer and gets the next request in return.
So a guest in virtual time stands still while the other side thinks (PR_LAB, LAB_CALL, in
echolab/kernel/lab.h); a lab on this kernel waits for its socket.

Strategy: a packet of a SOCK_SEQPACKET socket holds 64 KiB at most. The first byte of each
packet says whether more of its message follows. The other side acknowledges each part but the
last with an empty packet, so that the two always take turns.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

from echolab.engines.namespaces import linux
from echolab.record.values import Json

MOST = linux.LAB_CALL_BYTES - 1
"""Bytes of a message in a packet, besides the packet's first byte."""

LAST, MORE = b"\0", b"\1"

LOOK = 0.5
"""Seconds between two checks whether an answer is late."""

Late = Callable[[], bool]

Exchange = Callable[[bytes], bytes]
"""Sends a packet and returns the packet that answers it."""


class Ended(EOFError):
    """The other side has ended, or did not answer in time (`late`)."""

    def __init__(self, *, late: bool = False) -> None:
        super().__init__("late" if late else "ended")
        self.late = late


def over_socket(end: socket.socket) -> Exchange:
    """The exchange of a lab on this kernel. Raises Ended when the other side is gone."""

    def exchange(packet: bytes) -> bytes:
        end.sendall(packet)
        answer = end.recv(linux.LAB_CALL_BYTES)
        if not answer:
            raise Ended
        return answer

    return exchange


def _packets(message: bytes) -> Iterator[bytes]:
    """A message as packets."""
    view = memoryview(message)
    while len(view) > MOST:
        yield MORE + view[:MOST]
        view = view[MOST:]
    yield LAST + view


class Caller:
    """The lab's side: each call hands over an answer and returns the next request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __call__(self, answer: str) -> Json:
        """Hand over an answer (at first any) as JSON text; return the next request.

        Raises OSError or Ended if nobody asks any more.
        """
        got = b""
        for packet in _packets(answer.encode()):
            got = self._exchange(packet)
        request = bytearray(got[1:])
        while got[:1] == MORE:
            got = self._exchange(LAST)
            request += got[1:]
        asked: Json = json.loads(bytes(request))
        return asked


class Asker:
    """The side that asks: each request returns its answer. It owns the socket.

    While it waits, it calls `late` from time to time to learn whether it has waited too long.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._end.settimeout(LOOK)

    def __call__(self, request: str, late: Late) -> Json:
        """Ask in JSON, and return the answer. Raises Ended if none comes."""
        *earlier, last = _packets(request.encode())
        for packet in earlier:
            self._send(packet)
            self._receive(late)
        self._send(last)
        return self.first(late)

    def first(self, late: Late) -> Json:
        """What the lab hands over before anything is asked. Raises Ended as above."""
        message = bytearray()
        while (got := self._receive(late))[:1] == MORE:
            message += got[1:]
            self._send(LAST)
        message += got[1:]
        answer: Json = json.loads(bytes(message))
        return answer

    def _send(self, packet: bytes) -> None:
        try:
            self._end.sendall(packet)
        except OSError:
            raise Ended from None

    def _receive(self, late: Late) -> bytes:
        while True:
            try:
                got = self._end.recv(linux.LAB_CALL_BYTES)
            except TimeoutError:
                if late():
                    raise Ended(late=True) from None
            except OSError:
                raise Ended from None
            else:
                if not got:
                    raise Ended
                return got

    def shut(self) -> None:
        """Tell whoever waits for an answer that none will come."""
        try:
            self._end.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side has already gone

    def close(self) -> None:
        """Close the socket."""
        self._end.close()
