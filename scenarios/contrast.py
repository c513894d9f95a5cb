"""The lecture in one table: datagrams, one stream, and a stream that connects each time.

All three meet the same delay and the same loss. Datagrams are quick and some are missing;
the stream is whole and in order and some of it is late; the stream that connects anew for
each message pays the handshake every time, and a lost SYN costs it a second (RFC 6298).
"""

from echolab import Lab, Link, scenario


@scenario(
    sentence="die einzelnen Datenpakete werden gesichert und in korrekter Reihenfolge übertragen",
    expect="Datagrams: one round trip, some missing. Streams: nothing missing, some late.",
)
def contrast(
    lab: Lab, delay: float = 0.03, loss: float = 0.05, count: int = 200, interval: float = 0.02
) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay, loss=loss))
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval)
    connects = lab.probe("client", "server", "tcp-connect", count=count // 4, interval=interval)
    trip = 2 * delay
    lab.expect_rate(
        "datagrams lost on the way there or back",
        datagrams.lost + datagrams.late,
        count,
        theory=1 - (1 - loss) ** 2,
    )
    lab.expect_time("a datagram that arrives takes one round trip", datagrams.median, trip)
    lab.expect_equal("the stream lost nothing", stream.lost, 0)
    lab.expect_equal("the stream kept the order", stream.out_of_order, 0)
    lab.expect_range(
        "the slowest message of the stream waited for a retransmission",
        stream.latency.max if stream.latency else None,
        low=trip + 0.01,
        theory=f"more than {trip * 1e3:g} ms",
        unit="s",
        why="a lost segment is found missing after a further round trip at the earliest",
    )
    lab.expect_equal("connecting each time lost nothing", connects.lost, 0)
    lab.expect_range(
        "connect and echo takes two round trips or more",
        connects.median,
        low=2 * trip - lab.precision,
        theory=f"{2 * trip * 1e3:g} ms or more",
        unit="s",
        why="the handshake comes first",
    )
