"""The checksum turns damage into loss.

The link flips one bit in a share of the packets. IP and UDP or TCP carry checksums
(RFC 1071): a packet that fails one is dropped silently. Only a flipped bit in the sender's
Ethernet address, 6 bytes of the frame, goes unnoticed.
"""

from echolab import Lab, Link, Parameter, scenario

UDP = 8  # bytes of its header (RFC 768)
HEADERS = 14 + 20 + UDP  # bytes: Ethernet, IPv4 (RFC 791), UDP
SENDER = 6  # bytes of the sender's Ethernet address


@scenario(
    sentence="die einzelnen Datenpakete werden gesichert",
    expect="Damaged datagrams are missing, not wrong; a stream sends them again.",
    parameters={
        "corrupt": Parameter("chance that a bit of a packet is flipped", "%", 0, 0.3),
        "count": Parameter("messages of each kind", "", 1, 5000),
        "size": Parameter("length of a message", "bytes", 16, 1400),
    },
    picture="strip",
    stretch="damaged",
    then="run corrupt --set corrupt=30%",
)
def corrupt(lab: Lab, corrupt: float = 0.1, count: int = 500, size: int = 1000) -> None:
    lab.shape("client", Link(corrupt=corrupt, delay=0.01))
    bad_before = lab.counter("server", "Udp.InCsumErrors")
    datagrams = lab.probe("client", "server", "udp", count=count, size=size)
    bad = lab.counter("server", "Udp.InCsumErrors") - bad_before
    stream = lab.probe("client", "server", "tcp", count=count, size=size, linger=3600)
    missing = datagrams.lost + datagrams.late
    lab.expect_rate(
        "datagrams missing",
        missing,
        count,
        theory=corrupt * (1 - SENDER / (HEADERS + size)),
    )
    lab.expect_none(
        "damaged datagram was delivered",
        len(datagrams.errors),
        why="the probe compares every byte of every answer",
    )
    lab.expect_rate(
        "missing datagrams that UDP's checksum caught",
        bad,
        missing,
        theory=(size + UDP) / (HEADERS + size - SENDER),
        why="the others were damaged in an earlier header, and dropped there",
        unless=missing == 0 and "none is missing",
    )
    lab.expect_all("messages of the stream arrived", stream.answered, count)
    lab.expect(
        "it sent the damaged segments again",
        stream.retransmits > 0,
        seen=stream.retransmits,
        theory="more than 0",
        unless=corrupt * count < 20 and "perhaps no segment of the stream is damaged",
    )
    lab.conclude(
        not datagrams.errors and stream.answered == count,
        f"{missing} of {count} damaged datagrams are missing, none is wrong; all {count} messages "
        f"of the stream arrived, {stream.retransmits} of its segments sent again.",
    )
