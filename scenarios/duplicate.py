"""Datagrams arrive twice, the bytes of a stream never.

Nothing in UDP tells a copy from the original (RFC 768): the server answers both. TCP knows
by the sequence number that it has these bytes, drops them and says so (RFC 2883).
"""

from echolab import Lab, Link, scenario


@scenario(
    sentence="die einzelnen Datenpakete werden gesichert und in korrekter Reihenfolge übertragen",
    expect="As many answers arrive twice as packets were doubled; a stream's never.",
)
def duplicate(lab: Lab, duplicate: float = 0.2, delay: float = 0.01, count: int = 500) -> None:
    lab.shape("client", Link(duplicate=duplicate, delay=delay))
    datagrams = lab.probe("client", "server", "udp", count=count)
    twice = [exchange.duplicates for exchange in datagrams.exchanges]
    lab.expect_rate("datagrams answered twice", sum(n > 0 for n in twice), count, theory=duplicate)
    lab.expect("none was answered more than twice", max(twice) <= 1, seen=max(twice), theory=1)
    lab.expect_equal("none was lost", datagrams.lost, 0)
    copies_before = lab.counter("server", "TcpExt.TCPDSACKOldSent")
    stream = lab.probe("client", "server", "tcp", count=count)
    copies = lab.counter("server", "TcpExt.TCPDSACKOldSent") - copies_before
    lab.expect_equal("no message of the stream came twice", stream.duplicated, 0)
    lab.expect_equal("none of it was lost", stream.lost, 0)
    lab.expect(
        "although its segments did",
        copies > 0,
        seen=copies,
        theory="more than 0",
        why="TCPDSACKOldSent counts the segments that the server's kernel had already",
    )
