"""A lost datagram stays lost; a stream delivers it, later.

Of a message and its answer, each crosses a link that loses packets with chance p: an echo
is missing with chance 1-(1-p)^2. TCP sends again what was not acknowledged (RFC 6298,
RFC 8985), so that every message of the stream arrives, some of them late.
"""

from echolab import Lab, Link, scenario


@scenario(
    sentence="Allerdings gibt es keine Garantie für das Ankommen des Paketes bei der Gegenseite",
    expect="1-(1-p)^2 of the datagrams stay unanswered; the stream delivers every message.",
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
    # At a high loss each wait is twice the one before, up to two minutes: be patient.
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval, linger=3600)
    lab.expect_rate(
        "datagrams lost on the way there or back",
        datagrams.lost + datagrams.late,
        count,
        theory=1 - (1 - loss) ** 2,
    )
    lab.expect_equal("the stream delivered every message", stream.lost, 0)
    lab.expect_equal("what arrived of the stream arrived in order", stream.out_of_order, 0)
    if loss * count > 20:
        lab.expect(
            "the stream paid with retransmissions",
            stream.retransmits > 0,
            seen=stream.retransmits,
            theory="more than 0",
        )
