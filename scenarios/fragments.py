"""A datagram of k fragments survives with (1-p)^k.

IP cuts what is larger than the link's 1500 bytes into fragments (RFC 791, section 3.2); one
lost fragment loses the whole datagram, for nobody sends it again. A length of 16 bits, less
the headers of IP and UDP, leaves 65,507 bytes (RFC 768): one more is refused (udp(7)).
"""

from echolab import Lab, Link, scenario

PIECE = 1480  # bytes of an IPv4 packet of 1500 without its header


def fragments(size: int) -> int:
    """Packets that a datagram of `size` bytes takes, its UDP header among them."""
    return -(-(size + 8) // PIECE)


@scenario(
    name="fragments",
    sentence="Einzelpakete (Datagrams)",
    expect="The more fragments, the fewer datagrams arrive: (1-p)^k of them.",
)
def in_pieces(lab: Lab, loss: float = 0.03, count: int = 300) -> None:
    lab.shape("client", Link(loss=loss))
    for size in (1000, 1472, 1473, 12_000):
        pieces = fragments(size)
        made = lab.counter("client", "Ip.FragCreates")
        probe = lab.probe("client", "server", "udp", count=count, size=size, interval=0.005)
        made = lab.counter("client", "Ip.FragCreates") - made
        lab.step(f"{size} bytes: {pieces} packet{'s' * (pieces > 1)}")
        lab.expect_rate(
            f"datagrams of {size} bytes that survive",
            probe.answered,
            count,
            theory=(1 - loss) ** pieces,
        )
        theory = count * pieces if pieces > 1 else 0
        lab.expect_equal("fragments made", made, theory)
    lab.step("the limit")
    lab.clear("client")
    outcome = lab.python("client", "programs/largest.py", "server", 65507, 65508).facts()
    for length, answer in (("65507", "sent"), ("65508", "EMSGSIZE")):
        lab.expect_equal(f"a datagram of {length} bytes", outcome[length], answer)
