"""Datagrams overtake each other; a stream keeps its order.

The link lets a share of the packets pass without delay, so that they overtake those sent
shortly before. UDP hands over what comes as it comes (RFC 768); TCP sorts by sequence
numbers before the program sees a byte (RFC 9293, section 3.4).
"""

import itertools

from echolab import Lab, Link, scenario


@scenario(
    sentence="keine Gewähr für die Einhaltung der richtigen Reihenfolge",
    expect="Datagrams come out of order as often as one overtakes another, a stream never.",
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
    lab.step("datagrams")
    lab.expect_rate("packets that passed without delay", sum(quick), count, theory=reorder)
    lab.expect_equal(
        "out of order are those that the next one overtook",
        datagrams.out_of_order,
        overtaken,
        why=f"a datagram leaves every {interval:g} s, less than the delay",
    )
    lab.expect("some datagrams came out of order", datagrams.out_of_order > 0)
    lab.expect_equal("none was lost", datagrams.lost, 0)
    lab.step("stream")
    lab.expect_equal("the stream kept its order", stream.out_of_order, 0)
    lab.expect_equal("it lost nothing", stream.lost, 0)
    lab.expect(
        "although its segments overtook each other too",
        sorted_now > 0,
        seen=sorted_now,
        theory="more than 0",
        why="TCPOFOQueue counts the segments that the server's kernel kept back to sort",
    )
