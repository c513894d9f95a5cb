"""A slow link queues, then drops; datagrams do not notice, a stream adapts.

The queue is emptied at `rate`; what comes faster waits, up to `limit` packets, and the
rest dies. A stream fills the queue, loses, and slows down (RFC 5681). With random loss p
instead, `reno` settles at segment/RTT * sqrt(3/2)/sqrt(p) (Mathis and others, 1997).
"""

from echolab import Lab, Link, scenario

PORT = 4000
HEADERS = 14 + 20 + 8  # bytes: Ethernet, IPv4, UDP


def bulk(lab: Lab, size: int, port: int) -> tuple[float, int]:
    """Bits per second that a stream of `size` bytes reached, and its segment size."""
    taker = lab.python("server", "programs/bulk.py", "take", port)
    lab.until_listening("server", port)
    sent = lab.python("client", "programs/bulk.py", "send", "server", port, size, "reno").facts()
    taken = taker.facts()
    lab.expect_equal("all bytes arrived", taken["bytes"], size)
    return 8 * size / taken["seconds"], sent["segment"]


@scenario(
    sentence="weshalb UDP wesentlich schneller ist",
    expect="Datagrams above the rate die; a stream takes what the link has.",
)
def rate(
    lab: Lab, rate: float = 2e6, limit: int = 40, delay: float = 0.025, loss: float = 0.01
) -> None:
    lab.step("datagrams at twice the rate")
    size, count = 1000, 500
    service = 8 * (size + HEADERS) / rate
    lab.shape("client", Link(rate=rate, limit=limit))
    fast = lab.probe("client", "server", "udp", count=count, size=size, interval=service / 2)
    through = count / 2 + limit
    lab.expect_range(
        "datagrams delivered: what fits in the time, and the queue",
        fast.delivered,
        low=through - 4,
        high=through + 4,
        theory=through,
        why="the first and the last packet count half",
    )
    lab.expect_time(
        "a full queue delays by its length",
        fast.latency.max if fast.latency else None,
        limit * service,
        within=2 * service,
    )
    lab.step("a stream on the same link")
    lab.shape("server", Link(delay=delay))
    speed, segment = bulk(lab, int(rate / 2), PORT)
    share = segment / (segment + 14 + 52)
    lab.expect_range(
        *("the stream fills the link, in bit/s", speed),
        low=0.85 * share * rate,
        high=share * rate * 1.02,
        theory=round(share * rate),
        why="headers take the rest; at the beginning and after a loss it is slower",
    )
    lab.step("a stream and random loss")
    lab.shape("client", Link(delay=delay, loss=loss))
    speed, segment = bulk(lab, 2_000_000, PORT + 1)
    mathis = 8 * segment / (2 * delay) * (1.5 / loss) ** 0.5
    lab.expect_range(
        *("reno under random loss, in bit/s", speed),
        low=mathis / 2.5,
        high=mathis * 2,
        theory=round(mathis),
        why="the formula neglects delayed ACKs, time-outs, slow start; 14 losses scatter",
    )
