"""Scenarios with a fault planted behind the lab's back; none may ever pass.

Each does what an honest scenario does, and states what would hold without the fault. The
faults are real ones of the kernel's link, but where a kernel would have to lie: there the
network that the lab holds is wrapped.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

from echolab import Lab, Link, scenario
from echolab.engines.contract import Network, Program, ProgramRun
from echolab.engines.namespaces import rtnetlink
from echolab.engines.namespaces.hosts import FIRST_DEVICE

BULK = """
import socket, sys, threading
def take(listener):
    foreign, _ = listener.accept()
    while foreign.recv(65536): pass
    foreign.close()
if sys.argv[1] == "take":
    take(socket.create_server(("", 4000)))
else:
    with socket.create_connection((sys.argv[1], 4000)) as s:
        s.sendall(bytes(200000)); s.shutdown(socket.SHUT_WR); s.recv(1)
"""


def rates(lab: Lab, count: int = 500, loss: float = 0.1) -> None:
    """The claims of the scenario `loss`."""
    probe = lab.probe("client", "server", "udp", count=count, interval=0.005)
    lab.expect_rate("lost", probe.lost + probe.late, count, theory=1 - (1 - loss) ** 2)


def times(lab: Lab, delay: float = 0.05) -> None:
    """The claims of the scenario `latency`."""
    probe = lab.probe("client", "server", "udp", count=100, interval=0.02)
    lab.expect_time("one round trip", probe.median, 2 * delay)
    lab.expect_equal("lost", probe.lost, 0)


def both_ways(lab: Lab, link: Link) -> None:
    for host in ("client", "server"):
        lab.shape(host, link)


def change(lab: Lab, host: str, *netem: str) -> None:
    """Change a link without the lab's knowledge."""
    words = ("qdisc", "change", "dev", "eth0", "root", "handle", "1:", "netem")
    lab._network.tc(host, (*words, *netem))


# --- links that do less or more than they were told


@scenario
def honest(lab: Lab) -> None:
    both_ways(lab, Link(loss=0.1))
    rates(lab)


@scenario
def loss_of_8_percent(lab: Lab) -> None:
    both_ways(lab, Link(loss=0.1))
    change(lab, "client", "limit", "1000", "loss", "random", "8%")
    rates(lab)


@scenario
def loss_of_15_percent_for_a_while(lab: Lab) -> None:
    both_ways(lab, Link(loss=0.1))
    change(lab, "client", "limit", "1000", "loss", "random", "15%")
    rates(lab, count=5000)
    change(lab, "client", "limit", "1000", "loss", "random", "10%")


@scenario
def one_direction_unshaped(lab: Lab) -> None:
    both_ways(lab, Link(loss=0.1))
    lab._network.tc("server", ("qdisc", "del", "dev", "eth0", "root"))
    rates(lab)


@scenario
def a_delay_of_51_ms(lab: Lab) -> None:
    both_ways(lab, Link(delay=0.05))
    change(lab, "server", "limit", "5000", "delay", "51ms")
    times(lab)


@scenario
def a_limit_that_drops(lab: Lab) -> None:
    both_ways(lab, Link(delay=0.05, loss=0.1))
    change(lab, "client", "limit", "2", "delay", "50ms", "loss", "random", "10%")
    rates(lab)


@scenario
def a_limit_that_drops_for_a_while(lab: Lab) -> None:
    both_ways(lab, Link(delay=0.05))
    change(lab, "client", "limit", "2", "delay", "50ms")
    probe = lab.probe("client", "server", "udp", count=200, interval=0.005)
    change(lab, "client", "limit", "5000", "delay", "50ms")
    lab.expect("something arrived", probe.answered > 0)


@scenario
def duplicates_nobody_asked_for(lab: Lab) -> None:
    both_ways(lab, Link(loss=0.1))
    change(lab, "client", "limit", "1000", "loss", "random", "10%", "duplicate", "30%")
    rates(lab)
    change(lab, "client", "limit", "1000", "loss", "random", "10%")


@scenario
def an_offload_left_on(lab: Lab) -> None:
    hosts = lab._network._wiring.hosts  # type: ignore[attr-defined]
    most = rtnetlink._number(rtnetlink.IFLA_GSO_MAX_SEGS, 65535)
    body = rtnetlink._link_header(FIRST_DEVICE, up=True) + most
    for host in hosts.values():
        with host.network(), rtnetlink.Netlink() as link:
            link.send([(rtnetlink.RTM_NEWLINK, 0, body, "join segments")])
    both_ways(lab, Link(delay=0.01))
    taker = lab.start("server", ["python3", "-c", BULK, "take"])
    lab.until_listening("server", 4000)
    sent = lab.run("client", ["python3", "-c", BULK, "server"])
    lab.expect_equal("all was sent", sent.status, 0)
    lab.expect_equal("all was taken", taker.wait().status, 0)


# --- a kernel that lies, a clock that drifts, a probe that miscounts


class Wrapped:
    """A network that changes what is asked of it, or what it answers."""

    def __init__(
        self,
        network: Network,
        *,
        asked: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda words: words,
        told: Callable[[str], str] = lambda text: text,
        printed: Callable[[list[dict[str, Any]]], None] = lambda events: None,
    ) -> None:
        self._network = network
        self._asked = asked
        self._told = told
        self._printed = printed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        return self._told(self._network.tc(host, self._asked(tuple(arguments))))

    def start(self, host: str, argv: Sequence[str], **options: Any) -> Program:
        program = self._network.start(host, argv, **options)
        if "echo_app.probe" in argv:
            return Changed(program, self._printed)
        return program


class Changed:
    """A probe whose events are changed before the lab reads them."""

    def __init__(self, program: Program, change: Callable[[list[dict[str, Any]]], None]) -> None:
        self.host, self.argv = program.host, program.argv
        self._program = program
        self._change = change

    def wait(self, timeout: float | None = None) -> ProgramRun:
        finished = self._program.wait(timeout)
        events = [json.loads(line) for line in finished.stdout.splitlines()]
        self._change(events)
        return dataclasses.replace(finished, stdout="\n".join(map(json.dumps, events)))

    def stop(self) -> ProgramRun:
        return self._program.stop()

    def send(self, data: bytes) -> None:
        self._program.send(data)


def wrap(lab: Lab, **changes: Any) -> None:
    """Put a wrapped network under everything that the lab does."""
    wrapped = Wrapped(lab._network, **changes)
    for part in (lab, lab._shaping, lab._measurement, lab._kernel_counts):
        part._network = wrapped


@scenario
def a_kernel_that_says_10_and_does_8(lab: Lab) -> None:
    wrap(
        lab,
        asked=lambda words: tuple("8%" if word == "10%" else word for word in words),
        told=lambda text: text.replace('"loss":0.08', '"loss":0.1').replace(
            '"loss": 0.08', '"loss": 0.1'
        ),
    )
    both_ways(lab, Link(loss=0.1))
    rates(lab, count=20_000)


def faster(factor: float) -> Callable[[list[dict[str, Any]]], None]:
    """What a probe would print whose clock ran by that factor."""

    def change(events: list[dict[str, Any]]) -> None:
        for event in events:
            for name in ("at", "sent", "received", "seconds", "latency"):
                if isinstance(event.get(name), float):
                    event[name] *= factor

    return change


@scenario
def a_clock_that_runs_fast(lab: Lab) -> None:
    wrap(lab, printed=faster(1.02))
    both_ways(lab, Link(loss=0.1))
    rates(lab)


@scenario
def a_clock_that_runs_slow(lab: Lab) -> None:
    wrap(lab, printed=faster(0.95))
    both_ways(lab, Link(loss=0.1))
    rates(lab)


@scenario
def a_clock_that_runs_a_little_fast(lab: Lab) -> None:
    wrap(lab, printed=faster(1.001))
    both_ways(lab, Link(delay=0.05))
    times(lab)


def finds(number: int) -> Callable[[list[dict[str, Any]]], None]:
    """What a probe would print that calls lost messages delivered, consistently."""

    def change(events: list[dict[str, Any]]) -> None:
        lost = [event for event in events if event.get("fate") == "lost"][:number]
        for event in lost:
            event.update(fate="delivered", received=event["sent"] + 0.001, order=10_000)
        end = events[-1]
        end["lost"] -= len(lost)
        end["delivered"] += len(lost)

    return change


@scenario
def a_probe_that_finds_what_was_lost(lab: Lab) -> None:
    wrap(lab, printed=finds(5))
    both_ways(lab, Link(loss=0.1))
    rates(lab)


def forgets(events: list[dict[str, Any]]) -> None:
    """What a probe would print that sent one message less than it says."""
    last = max((event for event in events if event["event"] == "exchange"), key=lambda e: e["sent"])
    fate = last["fate"]
    last.update(fate="lost", received=None, order=None)
    if fate != "lost":
        events[-1][fate] -= 1
        events[-1]["lost"] += 1


@scenario
def a_probe_that_overlooks_an_answer(lab: Lab) -> None:
    wrap(lab, printed=forgets)
    both_ways(lab, Link(delay=0.01))
    probe = lab.probe("client", "server", "udp", count=50)
    lab.expect("nearly all came", probe.lost <= 1, seen=probe.lost)


@scenario
def a_probe_that_says_it_sent_more(lab: Lab) -> None:
    def more(events: list[dict[str, Any]]) -> None:
        end, number = events[-1], events[0]["count"]
        sent = [event["sent"] for event in events if event["event"] == "exchange"][-1]
        extra = {"event": "exchange", "number": number, "sent": sent, "received": None}
        events.insert(-1, {**extra, "fate": "lost", "order": None, "duplicates": 0})
        events[0]["count"] += 1
        end["lost"] += 1
        end["count"] += 1

    wrap(lab, printed=more)
    both_ways(lab, Link(loss=0.1))
    rates(lab)
