"""Datagrams overtake each other; a stream keeps its order.

The link lets a share of the packets pass without delay, so that they overtake those sent
shortly before. UDP delivers datagrams as they arrive (RFC 768). TCP sorts by sequence
number before the program sees a byte (RFC 9293, section 3.4).
"""

import itertools

from echolab import Lab, Link, Parameter, scenario


@scenario(
    sentence="keine Gewähr für die Einhaltung der richtigen Reihenfolge",
    expect="Datagrams arrive out of order as often as one overtakes another; a stream never does.",
    parameters={
        "reorder": Parameter("chance that a packet passes without delay", "%", 0, 1),
        "delay": Parameter("delay of the others", "s", 0.001, 0.5),
        "count": Parameter("messages of each kind", "", 1, 5000),
    },
    picture="strip",
    stretch="overtakes",
    then="run reorder --set reorder=50%",
)
def reorder(lab: Lab, reorder: float = 0.25, delay: float = 0.03, count: int = 500) -> None:
    interval = 0.7 * delay
    lab.shape("client", Link(delay=delay, reorder=reorder))
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    sorted_before = lab.counter("server", "TcpExt.TCPOFOQueue")
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval)
    sorted_now = lab.counter("server", "TcpExt.TCPOFOQueue") - sorted_before
    quick = [(exchange.latency or 0) < delay / 2 for exchange in datagrams.exchanges]
    overtaken = sum(not now and then for now, then in itertools.pairwise(quick))
    few = reorder * (1 - reorder) * count < 30 and "perhaps no packet overtakes another"
    lab.step("datagrams")
    lab.expect_rate("packets that passed without delay", sum(quick), count, theory=reorder)
    lab.expect_equal(
        "the datagrams out of order are those that the next one overtook",
        datagrams.out_of_order,
        overtaken,
        why=f"a datagram leaves every {interval:g} s, less than the delay",
    )
    lab.expect("some datagrams came out of order", datagrams.out_of_order > 0, unless=few)
    lab.expect_all("datagrams were answered", datagrams.answered, count)
    lab.step("stream")
    lab.expect_none("message of the stream was out of order", stream.out_of_order)
    lab.expect_all("messages of the stream arrived", stream.answered, count)
    lab.expect(
        "although its segments overtook each other too",
        sorted_now > 0,
        seen=sorted_now,
        theory="more than 0",
        why="TCPOFOQueue counts the segments that the server's kernel held back to sort",
        unless=few,
    )
    lab.conclude(
        True if datagrams.out_of_order else None,
        f"{datagrams.out_of_order} of {count} datagrams came out of order; no message of the "
        f"stream did, though {sorted_now} of its segments had been overtaken.",
    )
