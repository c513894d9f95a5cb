"""A slow link queues, then drops; datagrams do not notice, a stream adapts.

The queue is emptied at `rate`; what comes faster waits, up to `limit` packets, and the
rest dies. A stream fills the queue, loses, and slows down (RFC 5681). With random loss p
instead, `reno` settles at segment/RTT * sqrt(3/2)/sqrt(p) (Mathis and others, 1997).
"""

from echolab import Lab, Link, scenario

PORT = 4000
HEADERS = 14 + 20 + 8  # bytes: Ethernet, IPv4, UDP


def bulk(lab: Lab, size: int, port: int) -> tuple[float, int]:
    """Bits per second that a stream of `size` bytes reached, and its segments' size."""
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
    lab: Lab, rate: float = 2e6, limit: int = 40, delay: float = 0.025, loss: float = 0.02
) -> None:
    lab.step("datagrams at twice the rate")
    size, count = 1000, 500
    service = 8 * (size + HEADERS) / rate
    lab.shape("client", Link(rate=rate, limit=limit))
    fast = lab.probe("client", "server", "udp", count=count, size=size, interval=service / 2)
    through = count // 2 + limit
    text = "datagrams delivered: those the link had time for, and a full queue"
    why = "the first and the last packet count half"
    lab.expect_range(
        text, fast.delivered, low=through - 4, high=through + 4, theory=through, why=why
    )
    slowest = fast.latency.max if fast.latency else None
    lab.expect_time("a full queue delays by its length", slowest, limit * service, within=0.01)
    lab.step("a stream on the same link")
    lab.shape("server", Link(delay=delay))
    speed, segment = bulk(lab, int(rate / 2), PORT)
    most = rate * segment / (segment + 32 + 20 + 14)  # less the headers of TCP, IP, Ethernet
    why = "at the beginning and after a loss it is slower"
    text = "a stream fills the link, in bit/s"
    lab.expect_range(text, speed, low=0.85 * most, high=1.02 * most, theory=round(most), why=why)
    lab.step("a stream and random loss")
    lab.shape("client", Link(delay=delay, loss=loss))
    speed, segment = bulk(lab, 3_000_000, PORT + 1)
    mathis = 8 * segment / (2 * delay) * (1.5 / loss) ** 0.5
    why = "the formula leaves out delayed ACKs, time-outs and the beginning"
    text = "reno under random loss, in bit/s"
    lab.expect_range(text, speed, low=mathis / 2, high=mathis * 2, theory=round(mathis), why=why)
