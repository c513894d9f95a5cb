"""One lost segment holds up all that follow it in a stream; a lost datagram holds up none.

A stream hands over bytes in order (RFC 9293, section 3.4), so that what came behind the
gap waits for the retransmission. The sender knows of the gap when three later segments
(RFC 6675) or one a quarter round trip later (RFC 8985) were reported; then it sends again.
"""

from echolab import Lab, Link, scenario


@scenario(
    sentence="in korrekter Reihenfolge übertragen",
    expect="Behind the lost segment all messages arrive at once; datagrams do not wait.",
)
def head_of_line(
    lab: Lab, delay: float = 0.05, interval: float = 0.01, lost: int = 4, count: int = 40
) -> None:
    lab.shape("server", Link(delay=delay))
    lab.step("datagrams")
    lab.shape("client", Link(delay=delay, drop=(lost + 1,)))
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    missing = [exchange.number for exchange in datagrams.exchanges if exchange.fate == "lost"]
    lab.expect_equal("only the chosen datagram is missing", missing, [lost])
    worst = datagrams.latency.max if datagrams.latency else None
    lab.expect_range(
        "no other waited for it", worst, high=2.5 * delay, unit="s", why="a round trip and half one"
    )
    lab.step("stream")
    lab.shape("client", Link(delay=delay, drop=(lost + 3,)))  # after the SYN and its ACK
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval)
    arrived = [exchange.received or 0.0 for exchange in stream.exchanges]
    waited = sum(at - arrived[lost] < 0.5 * interval for at in arrived[lost + 1 :])
    lab.expect_equal("all messages came", stream.lost, 0)
    lab.expect("in order", arrived == sorted(arrived), seen="the order of arrival")
    known = min(3 * interval, 2 * delay / 4)
    lab.expect_range(
        "the lost one came after its retransmission",
        stream.exchanges[lost].latency,
        low=4 * delay + known - lab.precision,
        high=4 * delay + known + interval,
        theory=4 * delay + known,
        unit="s",
        why="two round trips and what tells of the gap; a timer may come some ms late",
    )
    lab.expect_range(
        "messages that came with it, having waited",
        waited,
        low=(2 * delay) / interval,
        high=(2 * delay) / interval + 5,
        theory=f"{2 * delay / interval + 3:g}",
        why="all that the server had when the gap was filled, but for their own way back",
    )
