"""A slow link queues, then drops; datagrams do not notice, a stream adapts.

The queue is emptied at `rate`. What comes faster waits, up to `limit` packets; the rest is
dropped. A stream fills the queue, loses packets, and slows down (RFC 5681). With random
loss p instead, `reno` settles at segment/RTT * sqrt(3/2)/sqrt(p) (Mathis et al., 1997).
"""

from echolab import Lab, Link, Parameter, Probe, scenario

PORT = 4000
HEADERS = 14 + 20 + 8  # bytes: Ethernet, IPv4, UDP
SIZE, COUNT = 1000, 500  # of the datagrams
SLOWEST = 0.2  # seconds: TCP's shortest wait before it sends again (TCP_RTO_MIN)


def bulk(lab: Lab, size: int, port: int) -> tuple[float, int]:
    """The rate that a stream of `size` bytes reached, in bit/s, and its segment size."""
    taker = lab.python("server", "programs/bulk.py", "take", port)
    lab.until_listening("server", port)
    sent = lab.python("client", "programs/bulk.py", "send", "server", port, size, "reno").facts()
    taken = taker.facts()
    lab.expect_equal("bytes that arrived", taken["bytes"], size)
    return 8 * size / taken["seconds"], sent["segment"]


def reached(probe: Probe) -> float:
    """The rate at which the answers to datagrams came, in bit/s."""
    came = [exchange.received for exchange in probe.exchanges if exchange.received is not None]
    return 8 * SIZE * (len(came) - 1) / (max(came) - min(came)) if len(came) > 1 else 0.0


@scenario(
    sentence="weshalb UDP wesentlich schneller ist",
    expect="Datagrams above the rate are lost; a stream uses what the link has.",
    parameters={
        "rate": Parameter("rate of the link", "bit/s", 2e5, 2e7),
        "limit": Parameter("packets that its queue holds", "", 10, 1000),
        "delay": Parameter("delay of the way back, and of the lossy way there", "s", 0.01, 0.2),
        "loss": Parameter("chance that a packet of the last stream dies", "%", 0.005, 0.05),
    },
    picture="rate",
    stretch="healed",
    then="run rate --set limit=20",
)
def rate(
    lab: Lab, rate: float = 2e6, limit: int = 40, delay: float = 0.025, loss: float = 0.02
) -> None:
    lab.step("datagrams at twice the rate")
    service = 8 * (SIZE + HEADERS) / rate
    lab.shape("client", Link(rate=rate, limit=limit))
    fast = lab.probe(
        "client", "server", "udp", count=COUNT, size=SIZE, interval=service / 2, timeout=60
    )
    through = min(COUNT // 2 + limit, COUNT)
    text = "datagrams delivered: those that the link had time for, and a full queue"
    why = "at the beginning and the end up to four packets may count either way"
    lab.expect_range(
        text, fast.delivered, low=through - 4, high=through + 4, theory=through, why=why
    )
    slowest = fast.latency.max if fast.latency else None
    lab.expect_time(
        "a full queue delays by the time to empty it",
        slowest,
        limit * service,
        within=max(0.01, 2 * service),
        unless=limit > COUNT // 2 - 5 and "so few datagrams do not fill the queue",
    )
    lab.step("a stream on the same link")
    lab.shape("server", Link(delay=delay))
    speed, segment = bulk(lab, int(rate / 2), PORT)
    most = rate * segment / (segment + 32 + 20 + 14)  # less the headers of TCP, IP, Ethernet
    carried = rate * delay / 8 / (segment + 66)
    lab.expect_range(
        "a stream fills the link, in bit/s",
        speed,
        low=0.85 * most,
        high=1.02 * most,
        theory=round(most),
        why="it is slower at the beginning and after a loss",
        unless=limit < max(20, 2 * carried)
        and "the queue holds too little to keep the link busy after a loss",
    )
    lab.step("a stream and random loss")
    lab.shape("client", Link(delay=delay, loss=loss))
    lossy, segment = bulk(lab, 3_000_000, PORT + 1)
    few = loss * 3_000_000 / segment < 30 and "it ends before it has met thirty losses"
    mathis = 8 * segment / (2 * delay) * (1.5 / loss) ** 0.5
    lab.expect_range(
        "reno under random loss, in bit/s",
        lossy,
        low=mathis / 2,
        high=mathis * 2,
        theory=round(mathis),
        why="the formula ignores delayed ACKs, timeouts and slow start",
        unless=few
        or (
            (loss > 0.025 or 2 * delay < SLOWEST / 8)
            and "timeouts, which the formula ignores, take most of the time"
        ),
    )
    faster = reached(fast)
    lab.conclude(
        faster > 1.5 * speed,
        f"datagrams at twice the link's rate reach {faster / 1e6:.2f} Mbit/s, and "
        f"{COUNT - fast.delivered} of {COUNT} are lost; a stream reaches {speed / 1e6:.2f} Mbit/s.",
    )
