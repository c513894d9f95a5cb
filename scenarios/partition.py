"""A cut of five seconds: a stream heals, the datagrams of that time are gone.

TCP sends the first unacknowledged segment again, each time after twice the wait (RFC 6298,
section 5.5), for a quarter of an hour (tcp(7), tcp_retries2). So after the cut it may stay
silent once more for as long as the cut has lasted. Nobody repeats a datagram.
"""

import itertools

from echolab import Lab, Link, scenario

INTERVAL = 0.1


@scenario(
    sentence="Allerdings gibt es keine Garantie für das Ankommen des Paketes bei der Gegenseite",
    expect="Datagrams of the cut are lost; the stream delivers all, after its next attempt.",
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
    lab.step("datagrams")
    lab.expect_range(
        "datagrams lost: those of the cut",
        gone.lost,
        low=cut / INTERVAL - 2,
        high=lasted / INTERVAL + 2,
        theory=round(cut / INTERVAL),
        why="one leaves each interval; cutting and healing the two ways takes its time",
    )
    runs = gone.runs_of_losses()
    lab.expect("in one run", len(runs) == 1, seen=list(runs), theory="one run")
    lab.step("stream")
    lab.expect_equal("the stream lost nothing", kept.lost, 0)
    lab.expect_equal("and kept the order", kept.out_of_order, 0)
    times = [exchange.received or 0.0 for exchange in kept.exchanges]
    silence = max(then - now for now, then in itertools.pairwise(times))
    lab.expect_range(
        "its silence: the cut, then the wait for the next attempt",
        *(silence,),
        low=cut,
        high=2 * lasted + 1,
        theory=f"{cut * 1e3:.0f} to {2e3 * lasted + 1e3:.0f} ms",
        unit="s",
        why="each wait is twice the one before, so the last is about as long as all together",
    )
    lab.expect("it tried again and again", kept.retransmits >= 4, seen=kept.retransmits)
