"""A partition of five seconds: the stream recovers, the datagrams of that time are lost.

TCP retransmits the first unacknowledged segment, and doubles the wait each time (RFC 6298,
section 5.5), for a quarter of an hour (tcp(7), tcp_retries2). So after the partition it may
stay silent for as long as the partition has lasted. Nobody retransmits a datagram.
"""

import itertools

from echolab import Lab, Link, Parameter, scenario

INTERVAL = 0.1
FIRST = 0.2  # seconds: TCP's shortest wait before it sends again (TCP_RTO_MIN)


@scenario(
    sentence="Allerdings gibt es keine Garantie für das Ankommen des Paketes bei der Gegenseite",
    expect="Datagrams sent during the partition are lost; the stream delivers everything after "
    "its next attempt.",
    parameters={
        "cut": Parameter("how long the partition lasts", "s", 0.1, 120),
        "delay": Parameter("delay of each way", "s", 0, 0.4),
    },
    picture="course",
    stretch="cut",
    then="run partition --set cut=20",
)
def partition(lab: Lab, cut: float = 5.0, delay: float = 0.01) -> None:
    count = round((2 * cut + 6) / INTERVAL)
    pairs = (("client", "server"), ("server", "client"))
    for host, peer in pairs:
        lab.shape(host, Link(delay=delay, toward=peer))
    datagrams = lab.start_probe("client", "server", "udp", count=count, interval=INTERVAL)
    stream = lab.start_probe("client", "server", "tcp", count=count, interval=INTERVAL)
    lab.sleep(2.05)
    began = lab.now()
    for host, peer in pairs:
        lab.shape(host, Link(delay=delay, loss=1.0, toward=peer))
    lab.sleep(cut)
    for host, peer in pairs:
        lab.shape(host, Link(delay=delay, toward=peer))
    lasted = lab.now() - began
    gone, kept = datagrams.wait(), stream.wait()
    trip = 2 * delay
    short = cut < 2 * (FIRST + trip) and "so short a cut may meet no attempt of the stream"
    lab.step("datagrams")
    lab.expect_range(
        "datagrams lost: those sent during the partition",
        gone.lost + gone.late,
        low=cut / INTERVAL - 2,
        high=(lasted + 2 * trip) / INTERVAL + 2,
        theory=round(cut / INTERVAL),
        why="one leaves every interval; those on the way die, too, when a link is replaced",
    )
    runs = gone.runs_of_losses()
    lab.expect(
        "in one run",
        len(runs) == 1,
        seen=list(runs),
        theory="one run",
        unless=cut < 2 * INTERVAL + trip and "so short a cut may meet no datagram",
    )
    lab.step("stream")
    lab.expect_all("messages of the stream arrived", kept.answered, count)
    lab.expect_none("message of the stream was out of order", kept.out_of_order)
    times = [exchange.received or 0.0 for exchange in kept.exchanges]
    silence = max(then - now for now, then in itertools.pairwise(times))
    most = 2 * lasted + 1 + 2 * trip
    lab.expect_range(
        "its silence: the partition, then the wait for the next attempt",
        silence,
        low=cut,
        high=most,
        theory=f"{cut * 1e3:.0f} to {1e3 * most:.0f} ms",
        unit="s",
        why="each wait is twice the previous one, so the last is about as long as all others",
        unless=short,
    )
    lab.expect(
        "it tried again and again",
        kept.retransmits >= 4,
        seen=kept.retransmits,
        unless=cut < 20 * (FIRST + trip) and "so short a cut allows fewer than four attempts",
    )
    lab.conclude(
        True if gone.lost else None,
        f"{gone.lost} datagrams of the cut are gone; the stream was silent for {silence:.2f} s "
        f"and then delivered all {count} messages.",
    )
