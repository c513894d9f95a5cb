"""The lecture in one table: datagrams, one stream, and a stream that connects each time.

All three have the same delay and the same loss. Datagrams are quick, and some are missing.
The stream is complete and in order, and some of it is late. The stream that connects anew
for each message pays for the handshake every time, and a lost SYN costs it a second
(RFC 6298).
"""

from echolab import Lab, Link, Parameter, scenario

SYNS, SEGMENTS = 7, 15  # attempts before TCP gives up (tcp(7): tcp_syn_retries, tcp_retries2)


@scenario(
    sentence="die einzelnen Datenpakete werden gesichert und in korrekter Reihenfolge übertragen",
    expect="Datagrams: one round trip, some missing. Streams: nothing missing, some late.",
    parameters={
        "delay": Parameter("delay of each way", "s", 0, 0.4),
        "loss": Parameter("chance that a packet dies, each way", "%", 0, 0.3),
        "count": Parameter("messages; a quarter of them connect anew", "", 4, 5000),
        "interval": Parameter("time between two messages", "s", 0.001, 1),
    },
    picture="distribution",
    stretch="healed",
    then="run contrast --set loss=20%",
)
def contrast(
    lab: Lab, delay: float = 0.03, loss: float = 0.05, count: int = 200, interval: float = 0.02
) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay, loss=loss))
    few = count // 4
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval, linger=3600)
    connects = lab.probe(
        "client", "server", "tcp-connect", count=few, interval=interval, linger=3600
    )
    trip, gone = 2 * delay, 1 - (1 - loss) ** 2
    missing = datagrams.lost + datagrams.late
    lab.expect_rate("datagrams lost on the way there or back", missing, count, theory=gone)
    lab.expect_time(
        "a datagram that arrives takes one round trip",
        datagrams.median,
        trip,
        unless=missing == count and "no datagram was answered",
    )
    risk = count * gone**SEGMENTS
    given_up = risk > 1e-4 and f"TCP may give up, with a chance of {min(risk, 1):.1%}"
    lab.expect_all("messages of the stream arrived", stream.answered, count, unless=given_up)
    lab.expect_none("message of the stream was out of order", stream.out_of_order)
    lab.expect_range(
        "the slowest message of the stream waited for a retransmission",
        stream.latency.max if stream.latency else None,
        low=trip + min(0.01, interval / 2),
        theory=f"more than {trip * 1e3:g} ms",
        unit="s",
        why="the sender notices a lost segment one more round trip later at the earliest",
        unless=loss * count < 5 and "perhaps no segment with data is lost",
    )
    risk = few * gone**SYNS
    lab.expect_all(
        "messages that connected anew arrived",
        connects.answered,
        few,
        unless=risk > 1e-4 and f"connect may give up, with a chance of {min(risk, 1):.1%}",
    )
    lab.expect_range(
        "connect and echo take two round trips or more",
        connects.median,
        low=2 * trip - lab.precision,
        theory=f"{2 * trip * 1e3:g} ms or more",
        unit="s",
        why="the handshake comes first",
        unless=not connects.answered and "no connection was made",
    )
    slowest = stream.latency.max * 1e3 if stream.latency else 0.0
    lab.conclude(
        stream.answered == count and not stream.out_of_order,
        f"of the stream {stream.answered} of {count} messages arrived, in order, the slowest "
        f"after {slowest:.0f} ms; of the datagrams {count - missing}.",
    )
