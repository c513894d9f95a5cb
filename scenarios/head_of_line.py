"""One lost segment holds up all that follow it in a stream; a lost datagram holds up none.

A stream delivers bytes in order (RFC 9293, section 3.4), so what arrives after the gap waits
for the retransmission. The sender learns of the gap once three later segments (RFC 6675),
or one sent a quarter of a round trip later (RFC 8985), have been acknowledged. Then it
retransmits.
"""

from echolab import Lab, Link, Parameter, scenario


@scenario(
    sentence="in korrekter Reihenfolge übertragen",
    expect="All messages after the lost segment arrive together; datagrams do not wait.",
    parameters={
        "delay": Parameter("delay of each way", "s", 0.01, 0.2),
        "interval": Parameter("time between two messages", "s", 0.002, 0.5),
        "lost": Parameter("number of the message whose packet dies", "", 0, 1000),
        "count": Parameter("messages of each kind", "", 1, 2000),
    },
    picture="waits",
    stretch="healed",
    then="run head-of-line --set lost=20",
)
def head_of_line(
    lab: Lab, delay: float = 0.05, interval: float = 0.01, lost: int = 4, count: int = 40
) -> None:
    trip = 2 * delay
    none = lost >= count and "there is no message of that number"
    lab.shape("server", Link(delay=delay))
    lab.step("datagrams")
    lab.shape("client", Link(delay=delay, drop=(lost + 1,)))
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    missing = [exchange.number for exchange in datagrams.exchanges if exchange.fate == "lost"]
    lab.expect_equal("only the chosen datagram is missing", missing, [] if none else [lost])
    worst = datagrams.latency.max if datagrams.latency else None
    lab.expect_range(
        "no other waited for it",
        worst,
        high=1.25 * trip,
        unit="s",
        why="1.25 round trips at most",
        unless=worst is None and "there is no other",
    )
    lab.step("stream")
    lab.shape("client", Link(delay=delay, drop=(lost + 3,)))  # after the SYN and its ACK
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval)
    arrived = [exchange.received or 0.0 for exchange in stream.exchanges]
    # Which message that packet carried: a bare acknowledgement before it counts as a packet, too.
    latencies = [exchange.latency or 0.0 for exchange in stream.exchanges]
    held = latencies.index(max(latencies))
    waited = sum(at - arrived[held] < 0.5 * interval for at in arrived[held + 1 :])
    lab.expect_all("messages of the stream came", stream.answered, count)
    lab.expect("they came in order", arrived == sorted(arrived))
    # Three acknowledgements of later segments must come, and cwnd let them be sent: 10 at first.
    alone = 5 * interval > trip / 4 * 3 and "too few segments are under way to show the gap"
    last = count - lost < trip / interval + 6 and "too few messages follow the lost one"
    many = trip / interval > 10.5 and "more would be under way than the first window allows"
    unless = none or alone or last or many
    known = min(3 * interval, trip / 4)
    slack = 4 * lab.precision  # the lost one crosses four links: there, back, there again, back
    delayed = stream.exchanges[held].latency
    lab.expect_range(
        "the lost one came after its retransmission",
        delayed,
        low=2 * trip + known - slack,
        high=2 * trip + known + interval + slack,
        theory=2 * trip + known,
        unit="s",
        why="two round trips, and the time until the gap is known; a timer may be some ms late",
        unless=unless,
    )
    lab.expect_range(
        "messages that waited and came together with it",
        waited,
        low=trip / interval,
        high=trip / interval + 5 + slack / interval,
        theory=f"{trip / interval + 3:g}",
        why="all that the server had received when the gap was filled",
        unless=unless,
    )
    lab.conclude(
        arrived == sorted(arrived) and stream.answered == count,
        "every message came in its turn."
        if none
        else f"one lost segment came after {(delayed or 0) * 1e3:.1f} ms, and {waited} later "
        f"messages waited for it; a lost datagram held up none.",
    )
