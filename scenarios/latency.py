"""A datagram is answered after one round trip, a new connection after two.

"Wesentlich schneller" is true of the first message and false of every later one: the
handshake (RFC 9293, section 3.5) costs one round trip, once. A stream that stays open
answers as quickly as a datagram does.
"""

from echolab import Lab, Link, scenario


@scenario(
    sentence="Es wird keine Verbindung zwischen den beiden Prozessen aufgebaut, "
    "weshalb UDP wesentlich schneller ist.",
    expect="Connect and echo takes two round trips, a datagram one, an open stream one.",
)
def latency(lab: Lab, delay: float = 0.05, count: int = 40) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    interval = 5 * delay
    datagrams = lab.probe("client", "server", "udp", count=count, interval=interval)
    stream = lab.probe("client", "server", "tcp", count=count, interval=interval)
    connects = lab.probe("client", "server", "tcp-connect", count=count, interval=interval)
    trip = 2 * delay
    lab.step("true of the first message")
    lab.expect_time("a datagram takes one round trip", datagrams.median, trip)
    lab.expect_time("connect and echo takes two", connects.median, 2 * trip)
    lab.step("not true of the next")
    lab.expect_time("a stream that stays open takes one", stream.median, trip)
    lab.expect_time(
        "its connection took one, once",
        stream.connect.median if stream.connect else None,
        trip,
        within=None if lab.virtual else trip / 2,
        why="a single time, which a busy machine may delay; two trips it cannot be",
    )
    missing = datagrams.lost + stream.lost + connects.lost
    lab.expect_equal("everything was answered", missing, 0)
