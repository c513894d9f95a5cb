"""A datagram is answered after one round trip, a new connection after two.

"Wesentlich schneller" is true of the first message and false of every later one: the
handshake (RFC 9293, section 3.5) costs one round trip, once. On a stream that stays open,
an answer comes as quickly as to a datagram.
"""

from echolab import Lab, Link, Parameter, scenario

SLOWER = 1.5  # times the round trip of a datagram that count as considerably slower


@scenario(
    sentence="Es wird keine Verbindung zwischen den beiden Prozessen aufgebaut, "
    "weshalb UDP wesentlich schneller ist.",
    expect="Connect and echo take two round trips, a datagram one, an open stream one.",
    parameters={
        "delay": Parameter("delay of each way", "s", 0.001, 0.2),
        "count": Parameter("messages of each kind", "", 1, 2000),
    },
    picture="distribution",
    stretch="open",
    then="run latency --set delay=0.2",
)
def latency(lab: Lab, delay: float = 0.05, count: int = 40) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    interval = 5 * delay
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval)
    connects = lab.probe("client", "server", "tcp-connect", count=count, interval=interval)
    trip = 2 * delay
    lab.step("the first message")
    lab.expect_time("a datagram takes one round trip", datagrams.median, trip)
    lab.expect_time("connect and echo take two", connects.median, 2 * trip)
    lab.step("the next ones")
    lab.expect_time("a stream that stays open takes one", stream.median, trip)
    lab.expect_time(
        "its connection took one, once",
        stream.connect.median if stream.connect else None,
        trip,
        within=None if lab.virtual else trip / 2,
        why="a single measurement, which a busy machine may delay, but not to two round trips",
    )
    answered = datagrams.answered + stream.answered + connects.answered
    lab.expect_all("messages were answered", answered, 3 * count)
    later = stream.median > SLOWER * datagrams.median
    lab.conclude(
        connects.median > SLOWER * datagrams.median,
        f"a datagram is answered after {datagrams.median * 1e3:.3f} ms, connect and echo take "
        f"{connects.median * 1e3:.3f} ms, a stream that stays open {stream.median * 1e3:.3f} ms.",
        only="" if later else "for the first message",
    )
