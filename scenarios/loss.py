"""A lost datagram stays lost; a stream delivers it, later.

A message and its answer each cross a link that loses packets with probability p, so an echo
is missing with probability 1-(1-p)^2. TCP retransmits what was not acknowledged (RFC 6298,
RFC 8985), so every message of the stream arrives, some of them late.
"""

from echolab import Lab, Link, Parameter, scenario

SEGMENTS = 15  # attempts before TCP gives up (tcp(7): tcp_retries2)


@scenario(
    sentence="Allerdings gibt es keine Garantie für das Ankommen des Paketes bei der Gegenseite",
    expect="1-(1-p)^2 of the datagrams stay unanswered; the stream delivers every message.",
    parameters={
        "loss": Parameter("chance that a packet dies, each way", "%", 0, 0.6),
        "count": Parameter("messages of each kind", "", 1, 10_000),
        "delay": Parameter("delay of each way", "s", 0, 0.4),
        "interval": Parameter("time between two messages", "s", 0.001, 1),
    },
    picture="strip",
    stretch="healed",
    then="run loss --set loss=30%",
)
def loss(
    lab: Lab,
    loss: float = 0.10,
    count: int = 500,
    delay: float = 0.01,
    interval: float = 0.02,
) -> None:
    lab.shape("client", Link(loss=loss, delay=delay))
    lab.shape("server", Link(loss=loss, delay=delay))
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    # At a high loss each wait is twice the previous one, up to two minutes: linger long enough.
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval, linger=3600)
    missing, gone = datagrams.lost + datagrams.late, 1 - (1 - loss) ** 2
    lab.expect_rate("datagrams lost on the way there or back", missing, count, theory=gone)
    risk = count * gone**SEGMENTS
    given_up = risk > 1e-4 and f"TCP may give up, with a chance of {min(risk, 1):.1%}"
    lab.expect_all("messages of the stream arrived", stream.answered, count, unless=given_up)
    lab.expect_none("message of the stream was out of order", stream.out_of_order)
    lab.expect(
        "the stream paid with retransmissions",
        stream.retransmits > 0,
        seen=stream.retransmits,
        theory="more than 0",
        unless=loss * count < 20 and "perhaps no segment with data is lost",
    )
    lab.conclude(
        True if missing else None,
        f"{missing} of {count} datagrams stayed without an answer; of the stream "
        f"{stream.answered} of {count} messages arrived.",
    )
