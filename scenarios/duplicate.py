"""Datagrams can arrive twice; the bytes of a stream never do.

Nothing in UDP distinguishes a copy from the original (RFC 768): the server answers both.
TCP sees by the sequence number that it already has these bytes, drops them and reports it
(RFC 2883).
"""

from echolab import Lab, Link, Parameter, scenario


@scenario(
    sentence="die einzelnen Datenpakete werden gesichert und in korrekter Reihenfolge übertragen",
    expect="As many answers arrive twice as packets were duplicated; a stream's never do.",
    parameters={
        "duplicate": Parameter("chance that a packet is sent twice", "%", 0, 1),
        "delay": Parameter("delay of the way there", "s", 0, 0.5),
        "count": Parameter("messages of each kind", "", 1, 5000),
    },
    picture="strip",
    stretch="twice",
    then="run duplicate --set duplicate=100%",
)
def duplicate(lab: Lab, duplicate: float = 0.2, delay: float = 0.01, count: int = 500) -> None:
    lab.shape("client", Link(duplicate=duplicate, delay=delay))
    datagrams = lab.probe("client", "server", "udp", count=count)
    twice = [exchange.duplicates for exchange in datagrams.exchanges]
    doubled = sum(n > 0 for n in twice)
    lab.expect_rate("datagrams answered twice", doubled, count, theory=duplicate)
    lab.expect_none("datagram was answered more than twice", sum(n > 1 for n in twice))
    lab.expect_all("datagrams were answered", datagrams.answered, count)
    copies_before = lab.counter("server", "TcpExt.TCPDSACKOldSent")
    stream = lab.probe("client", "server", "tcp", count=count)
    copies = lab.counter("server", "TcpExt.TCPDSACKOldSent") - copies_before
    lab.expect_none("message of the stream came twice", stream.duplicated)
    lab.expect_all("messages of the stream arrived", stream.answered, count)
    lab.expect(
        "although segments of the stream came twice",
        copies > 0,
        seen=copies,
        theory="more than 0",
        why="TCPDSACKOldSent counts the segments that the server's kernel already had",
        unless=duplicate * count < 20 and "perhaps no segment with data is sent twice",
    )
    lab.conclude(
        stream.duplicated == 0 and stream.answered == count,
        f"{doubled} of {count} datagrams were answered twice; {copies} segments of the stream "
        "came twice, no message of it did.",
    )
