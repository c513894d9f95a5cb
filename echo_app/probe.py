"""The measuring client: numbered echoes on a schedule, one JSON line per event.

`python3 -m echo_app.probe TARGET --protocol udp|tcp|tcp-connect …` sends `count` messages
of `size` bytes to the echo service of TARGET and reports what became of each. Times in its
events are seconds since the `start` event. The events:

- `start`: what is measured, and when it began on CLOCK_MONOTONIC and CLOCK_REALTIME
- `connected`: a connection was established at time `at`, after `seconds`
- `error`: what the network or the peer reported, with the message's number if known
- `exchange`: one message; `fate` is `delivered` (answered within the timeout), `late`
  (answered after it) or `lost` (never answered)
- `tcp_info`: what the kernel reports about the stream after the last reply; with
  `tcp-connect`, the retransmits of all connections and the other values of the last one
- `end`: the sums; delivered + late + lost = count
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from echo_app import pacing, request, tcp_info
from echo_app.channel import DatagramChannel, StreamChannel, Target, Trouble
from echo_app.message import Framing
from echo_app.tally import Exchange, Summary, Tally, summarize

FAILED = 1
BAD_INPUT = 2

_REQUESTS_TO_END = (signal.SIGTERM, signal.SIGINT)


class StoppedError(Exception):
    """The probe was asked to end (SIGTERM or SIGINT)."""


class Probe:
    """One measurement: what was asked for, and what has been noted so far."""

    def __init__(self, wanted: request.Request, address: str) -> None:
        self.wanted = wanted
        self.plan = wanted.plan()
        self.target: Target = (address, wanted.port)
        self.framing = Framing(int.from_bytes(os.urandom(4), "big"), wanted.size)
        self.tally = Tally(wanted.messages, self.plan.timeout)
        self.events: list[dict[str, object]] = []
        self.info: tcp_info.TcpInfo | None = None
        self.begin = time.monotonic_ns()
        self.began = time.time_ns()

    def measure(self) -> None:
        """Run the schedule to its end. Raises OSError if the socket cannot be created."""
        kind = {"udp": self._datagrams, "tcp": self._stream, "tcp-connect": self._streams}
        kind[self.wanted.protocol]()

    def _datagrams(self) -> None:
        channel = DatagramChannel(self.target, self.wanted.source_port, self.framing)
        with contextlib.closing(channel):
            self._start(channel.socket.getsockname()[1])
            pacing.converse(channel, self.plan, self.tally, self.begin, self._trouble)
            self._ended(channel)

    def _stream(self) -> None:
        """The schedule begins when the connection is established."""
        channel = StreamChannel(self.target, self.wanted.source_port, self.framing)
        with contextlib.closing(channel):
            self._start(channel.socket.getsockname()[1])
            if pacing.establish(channel, self.plan.timeout + self.plan.linger):
                begin = self._connected(0, self.begin, channel)
                pacing.converse(channel, self.plan, self.tally, begin, self._trouble)
            else:
                self.tally.abandon(f"connect: {channel.ended}")
            self.info = tcp_info.read(channel.socket)
            self._ended(channel)
            pacing.finish(channel, self.plan.timeout)

    def _streams(self) -> None:
        first = self.wanted.source_port
        began: dict[int, int] = {}
        retransmits = 0

        def connect(number: int) -> StreamChannel:
            began[number] = time.monotonic_ns()
            return StreamChannel(self.target, first + number if first else 0, self.framing)

        def finished(number: int, channel: StreamChannel) -> None:
            nonlocal retransmits
            if channel.connected_at is not None:
                self._connected(number, began[number], channel)
            info = tcp_info.read(channel.socket)
            retransmits += info.retransmits
            self.info = info._replace(retransmits=retransmits)

        self._start(first)
        pacing.connect_each(connect, self.plan, self.tally, self.begin, self._trouble, finished)

    def _start(self, source_port: int) -> None:
        wanted = self.wanted
        self.events.append(
            {
                "event": "start",
                "protocol": wanted.protocol,
                "target": wanted.target,
                "address": self.target[0],
                "port": wanted.port,
                "source_port": source_port or None,
                "count": wanted.messages,
                "size": wanted.size,
                "interval": wanted.interval,
                "timeout": wanted.timeout,
                "linger": wanted.linger,
                "monotonic": self.begin / pacing.SECOND,
                "realtime": self.began / pacing.SECOND,
            }
        )

    def _connected(self, number: int, began: int, channel: StreamChannel) -> int:
        at = channel.connected_at or began
        seconds = (at - began) / pacing.SECOND
        self.events.append(
            {"event": "connected", "number": number, "at": self._since(at), "seconds": seconds}
        )
        return at

    def _trouble(self, trouble: Trouble) -> None:
        if trouble.number is not None:
            self.tally.fail(trouble.number, trouble.why)
        self.events.append(
            {
                "event": "error",
                "number": trouble.number,
                "at": self._since(trouble.at),
                "why": trouble.why,
            }
        )

    def _ended(self, channel: DatagramChannel | StreamChannel) -> None:
        if channel.ended:
            self._trouble(Trouble(None, channel.ended, time.monotonic_ns()))

    def _since(self, at: int) -> float:
        return (at - self.begin) / pacing.SECOND

    def report(self) -> Iterator[dict[str, object]]:
        """All events, in the order in which they are printed."""
        ended = time.monotonic_ns()
        yield from self.events
        exchanges = self.tally.exchanges()
        for exchange in exchanges:
            yield self._exchange(exchange)
        if self.info is not None:
            yield {"event": "tcp_info", **self.info._asdict()}
        retransmits = None if self.info is None else self.info.retransmits
        yield end_event(summarize(exchanges), retransmits, self._since(ended))

    def _exchange(self, exchange: Exchange) -> dict[str, object]:
        sent, received, latency = exchange.sent, exchange.received, exchange.latency
        return {
            "event": "exchange",
            "number": exchange.number,
            "sent": None if sent is None else self._since(sent),
            "received": None if received is None else self._since(received),
            "latency": None if latency is None else latency / pacing.SECOND,
            "fate": exchange.fate,
            "order": exchange.order,
            "duplicates": exchange.duplicates,
            "why": exchange.why,
        }


def end_event(summary: Summary, retransmits: int | None, seconds: float) -> dict[str, object]:
    """The last event. Latencies are in milliseconds, as their name says."""
    latency = summary.latency
    return {
        "event": "end",
        "count": summary.messages,
        "delivered": summary.delivered,
        "lost": summary.lost,
        "late": summary.late,
        "duplicated": summary.duplicated,
        "out_of_order": summary.out_of_order,
        "latency_ms": latency and {name: value / 1e6 for name, value in latency._asdict().items()},
        "retransmits": retransmits,
        "seconds": seconds,
    }


def stop(*_: object) -> None:
    """A signal handler: end the measurement, so that what was measured is reported."""
    raise StoppedError


@contextlib.contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Make SIGTERM and SIGINT raise StoppedError until the yielded function is called.

    From then on they are ignored, so that the report is complete. At the end the earlier
    handlers are restored.
    """
    try:
        before = {number: signal.signal(number, stop) for number in _REQUESTS_TO_END}
    except ValueError:  # only the main thread of a process can handle signals
        before = {}

    def ignore() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    try:
        yield ignore
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(arguments: Sequence[str], out: TextIO) -> int:
    """Measure as the arguments say and write the events to `out`.

    Returns 0 if the measurement was made, whatever became of the messages; 1 if it could
    not be made; 2 for bad input. Nothing is written before the end.
    """
    if "--help" in arguments:
        print(request.USAGE, file=out)
        return 0
    try:
        wanted = request.parse(arguments)
    except request.Wrong as error:
        return _complain(f"{error}; --help lists the options", BAD_INPUT)
    try:
        address = socket.gethostbyname(wanted.target)
    except (OSError, UnicodeError):
        return _complain(f"host {wanted.target!r} is unknown: check the name", FAILED)
    pacing.sharpen()
    probe = Probe(wanted, address)
    with stoppable() as ignore_requests:
        try:
            probe.measure()
            ignore_requests()
        except StoppedError:
            ignore_requests()
            probe.tally.abandon("the probe was asked to end")
        except OSError as error:
            why = error.strerror or str(error)
            return _complain(f"cannot create a socket for this probe: {why}", BAD_INPUT)
        for event in probe.report():
            out.write(json.dumps(event) + "\n")
        out.flush()
    return 0


def _complain(message: str, status: int) -> int:
    print(f"echo_app.probe: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], sys.stdout))
