"""A closed port, a black hole, a dead host: three different answers.

A kernel without a listener answers at once, a SYN with a reset (RFC 9293, section 3.5.2), a
datagram with ICMP "port unreachable" (RFC 1122, section 4.1.3.1). Where packets vanish
there is no answer at all. Where no host has the address nobody answers ARP either, and the
own kernel says so after three attempts, a second each (arp(7)).
"""

from echolab import Lab, Link, scenario

NOBODY = 4999  # a port on which nobody listens
ECHO = 7


@scenario(
    sentence="Der Client ist der aktive Part und veranlasst den Beginn der Kommunikation.",
    expect="ECONNREFUSED after a round trip, silence, EHOSTUNREACH after three seconds.",
)
def refused(lab: Lab, delay: float = 0.05, patience: float = 4.5) -> None:
    address = lab.address("server").ip
    dead = address.rpartition(".")[0] + ".254"
    trip = 2 * delay

    def attempt(kind: str, ip: str, port: int, answer: str) -> float:
        program = lab.python("client", "programs/attempt.py", kind, ip, port, patience)
        facts = program.facts()
        seen = facts["answer"]
        lab.expect_equal(f"{kind}: the answer is {answer}", seen, answer)
        return float(facts["seconds"])

    lab.step("a dead host")
    for kind in ("stream", "datagram"):
        took = attempt(kind, dead, ECHO, "EHOSTUNREACH")
        lab.expect_range(
            *(f"{kind}: it comes after three requests for the address", took),
            low=2.9,
            high=4.0,
            theory=3.0,
            unit="s",
            why="three ARP requests a second apart; the kernel's timers come late, not early",
        )
    lab.step("a closed port")
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    for kind in ("stream", "datagram"):
        took = attempt(kind, address, NOBODY, "ECONNREFUSED")
        # A single time, which a busy machine may delay; two round trips it cannot be.
        within = None if lab.virtual else trip / 2
        lab.expect_time(f"{kind}: it comes after a round trip", took, trip, within=within)
    lab.step("a black hole")
    lab.shape("client", Link(loss=1.0))
    tries = lab.counter("client", "TcpExt.TCPSynRetrans")
    for kind in ("stream", "datagram"):
        attempt(kind, address, ECHO, "silence")
    tries = lab.counter("client", "TcpExt.TCPSynRetrans") - tries
    theory = 4 if lab.kernel >= (6, 5) else 2
    lab.expect_equal(
        "the stream tried again and again",
        tries,
        theory,
        why="SYNs at 1, 2, 3, 4 s since Linux 6.5 (tcp_syn_linear_timeouts), before at 1, 3 s",
    )
