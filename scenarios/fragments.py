"""A datagram of k fragments arrives with probability (1-p)^k.

IP splits what is larger than the link's 1500 bytes into fragments (RFC 791, section 3.2).
One lost fragment loses the whole datagram, because nobody retransmits it. A 16-bit length,
less the headers of IP and UDP, leaves 65,507 bytes (RFC 768): one more is refused (udp(7)).
"""

from echolab import Lab, Link, Parameter, scenario

PIECE = 1480  # bytes: an IPv4 packet of 1500 without its header
SIZES = (1000, 1472, 1473, 12_000)
MEMORY, TAKEN = 4 << 20, 2304  # bytes: ipfrag_high_thresh (ip-sysctl), and what a fragment takes


def fragments(size: int) -> int:
    """How many packets a datagram of `size` bytes takes, with its UDP header."""
    return -(-(size + 8) // PIECE)


@scenario(
    name="fragments",
    sentence="Einzelpakete (Datagrams)",
    expect="The more fragments, the fewer datagrams arrive: (1-p)^k of them.",
    parameters={
        "loss": Parameter("chance that a packet dies", "%", 0, 0.5),
        "count": Parameter("datagrams of each size", "", 1, 2000),
    },
    picture="strip",
    stretch="fragments",
    then="run fragments --set loss=10%",
)
def in_pieces(lab: Lab, loss: float = 0.03, count: int = 300) -> None:
    lab.shape("client", Link(loss=loss))
    survived = {}
    for size in SIZES:
        pieces = fragments(size)
        made = lab.counter("client", "Ip.FragCreates")
        probe = lab.probe("client", "server", "udp", count=count, size=size, interval=0.005)
        made = lab.counter("client", "Ip.FragCreates") - made
        survived[size] = probe.answered
        lab.step(f"{size} bytes: {pieces} {'packets' if pieces > 1 else 'packet'}")
        whole = (1 - loss) ** pieces
        kept = count * (1 - whole) * pieces * (1 - loss) * TAKEN
        lab.expect_rate(
            f"datagrams of {size} bytes that survive",
            probe.answered,
            count,
            theory=whole,
            unless=kept > 0.9 * MEMORY and "the server's memory for fragments that wait runs out",
        )
        theory = count * pieces if pieces > 1 else 0
        lab.expect_equal("fragments made", made, theory)
    lab.step("the largest datagram")
    lab.clear("client")
    outcome = lab.python("client", "programs/largest.py", "server", 65507, 65508).facts()
    for length, answer in (("65507", "sent"), ("65508", "EMSGSIZE")):
        lab.expect_equal(f"a datagram of {length} bytes", outcome[length], answer)
    lab.conclude(
        True,
        f"a datagram of {SIZES[-1]} bytes is {fragments(SIZES[-1])} packets: "
        f"{survived[SIZES[-1]]} of {count} arrived, of {SIZES[0]} bytes {survived[SIZES[0]]}.",
        only=f"up to {PIECE - 8} bytes",
    )
