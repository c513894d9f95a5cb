"""Write, write, read: two small writes cost a delayed acknowledgement.

Nagle's algorithm (RFC 896; RFC 9293, section 3.7.4) holds the second small segment back
until the first is acknowledged; the peer delays its acknowledgement up to 40 ms on Linux,
hoping for an answer to send along (RFC 1122, section 4.2.3.2). TCP_NODELAY (tcp(7)) turns
the first off; one write instead of two needs neither.
"""

from echolab import Lab, Link, scenario

PORT = 4000
DELAYED = 0.04  # TCP_DELACK_MIN, include/net/tcp.h


@scenario(
    sentence="send(MySocket, Puffer, MAXPUF, 0); /* String senden */",
    expect="Two writes take two round trips and 40 ms; with TCP_NODELAY, or in one, one.",
)
def nagle(lab: Lab, delay: float = 0.01, count: int = 21) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    lab.python("server", "programs/two_writes.py", "serve", PORT)
    lab.until_listening("server", PORT)
    trip = 2 * delay
    took = {}
    for manner in ("nagle", "nodelay", "one"):
        words = ("ask", "server", PORT, count, manner)
        seen = lab.python("client", "programs/two_writes.py", *words, trace=True).facts()
        took[manner] = sorted(seen)[count // 2]
    lab.expect_range(
        "two writes wait for the delayed acknowledgement",
        took["nagle"],
        low=2 * trip + DELAYED - 0.002 - lab.precision,
        high=2 * trip + DELAYED + 0.01,
        theory=2 * trip + DELAYED,
        unit="s",
        why="a round trip for each write, and 40 ms; a timer of the kernel may come 8 ms late",
    )
    lab.expect_time("with TCP_NODELAY they take one round trip", took["nodelay"], trip)
    lab.expect_time("one write of both takes one round trip", took["one"], trip)
