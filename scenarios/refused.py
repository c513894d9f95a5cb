"""A closed port, a black hole, a dead host: three different answers.

A kernel without a listener answers at once: a SYN with a reset (RFC 9293, section 3.5.2), a
datagram with ICMP "port unreachable" (RFC 1122, section 4.1.3.1). If packets vanish, there
is no answer at all. If no host has the address, nobody answers ARP either, and the client's
own kernel says so after three attempts of one second each (arp(7)).
"""

from echolab import Lab, Link, Parameter, scenario

NOBODY = 4999  # a port on which nobody listens
ECHO = 7


@scenario(
    sentence="Der Client ist der aktive Part und veranlasst den Beginn der Kommunikation.",
    expect="A closed port: ECONNREFUSED after a round trip. A black hole: silence. A dead host: "
    "EHOSTUNREACH after three seconds.",
    parameters={
        "delay": Parameter("delay of each way", "s", 0, 0.4),
        "patience": Parameter("how long the client waits for an answer", "s", 4.1, 20),
    },
    picture="conversations",
    stretch="retries",
    then="run refused --set patience=12",
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
            f"{kind}: it comes after three requests for the address",
            took,
            low=2.9,
            high=4.0,
            theory=3.0,
            unit="s",
            why="three ARP requests, one second apart; kernel timers can be late, never early",
        )
    lab.step("a closed port")
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    for kind in ("stream", "datagram"):
        took = attempt(kind, address, NOBODY, "ECONNREFUSED")
        # A single measurement, which a busy machine may delay, but not to two round trips.
        within = None if lab.virtual else trip / 2
        lab.expect_time(f"{kind}: it comes after a round trip", took, trip, within=within)
    lab.step("a black hole")
    lab.shape("client", Link(loss=1.0))
    tries = lab.counter("client", "TcpExt.TCPSynRetrans")
    for kind in ("stream", "datagram"):
        attempt(kind, address, ECHO, "silence")
    tries = lab.counter("client", "TcpExt.TCPSynRetrans") - tries
    linear = lab.kernel >= (6, 5)
    grid = [1, 2, 3, 4, 5, 7, 11, 19] if linear else [1, 3, 7, 15]
    lab.expect_equal(
        "the stream tried again and again",
        tries,
        sum(at < patience for at in grid),
        why="SYNs at 1, 2, 3, 4 s since Linux 6.5 (tcp_syn_linear_timeouts), earlier at 1, 3 s",
        unless=any(abs(patience - at * 1.03) < at * 0.05 for at in grid)
        and "a SYN is sent just as the client's patience ends",
    )
    lab.conclude(
        True,
        f"a closed port answers after {took * 1e3:.3f} ms; from a black hole there is no answer "
        f"to {tries + 1} SYNs.",
        only="if somebody is there to answer",
    )
