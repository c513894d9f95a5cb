"""The checksum turns damage into loss.

The link flips one bit of a share of the packets. IP and UDP or TCP carry checksums
(RFC 1071): what fails one is dropped without a word. Only a bit of the sender's Ethernet
address, 6 bytes of the frame, nobody misses.
"""

from echolab import Lab, Link, scenario

UDP = 8  # bytes of its header (RFC 768)
HEADERS = 14 + 20 + UDP  # bytes: Ethernet, IPv4 (RFC 791), UDP
SENDER = 6  # bytes of the sender's Ethernet address


@scenario(
    sentence="die einzelnen Datenpakete werden gesichert",
    expect="Damaged datagrams are missing, not wrong; a stream sends them again.",
)
def corrupt(lab: Lab, corrupt: float = 0.1, count: int = 500, size: int = 1000) -> None:
    lab.shape("client", Link(corrupt=corrupt, delay=0.01))
    bad_before = lab.counter("server", "Udp.InCsumErrors")
    datagrams = lab.probe("client", "server", "udp", count=count, size=size)
    bad = lab.counter("server", "Udp.InCsumErrors") - bad_before
    stream = lab.probe("client", "server", "tcp", count=count, size=size)
    lab.expect_rate(
        "datagrams missing",
        datagrams.lost + datagrams.late,
        count,
        theory=corrupt * (1 - SENDER / (HEADERS + size)),
    )
    lab.expect(
        "no damaged datagram was delivered",
        not datagrams.errors,
        seen=len(datagrams.errors),
        theory=0,
        why="the probe compares every byte of every answer",
    )
    lab.expect_rate(
        "of the missing, those that fell to UDP's checksum",
        bad,
        datagrams.lost + datagrams.late,
        theory=(size + UDP) / (HEADERS + size - SENDER),
        why="the others were hit in the headers before it, and dropped there",
    )
    lab.expect_equal("the stream lost nothing", stream.lost, 0)
    lab.expect(
        "it sent the damaged segments again",
        stream.retransmits > 0,
        seen=stream.retransmits,
        theory="more than 0",
    )
