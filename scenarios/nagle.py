"""Write, write, read: two small writes cost a delayed acknowledgement.

Nagle's algorithm (RFC 896; RFC 9293, section 3.7.4) holds the second small segment back
until the first is acknowledged. The peer delays its acknowledgement, on Linux by up to
40 ms, in the hope of sending it with an answer (RFC 1122, section 4.2.3.2). TCP_NODELAY
(tcp(7)) turns off Nagle's algorithm; one write instead of two meets neither wait.
"""

from echolab import Lab, Link, Parameter, scenario

PORT = 4000
DELAYED = 0.04  # TCP_DELACK_MIN, include/net/tcp.h


@scenario(
    sentence="send(MySocket, Puffer, MAXPUF, 0); /* String senden */",
    expect="Two writes take two round trips and 40 ms; with TCP_NODELAY, or in one, one.",
    parameters={
        "delay": Parameter("delay of each way", "s", 0.001, 0.2),
        "count": Parameter("exchanges in each manner", "", 5, 500),
    },
    picture="gap",
    stretch="gap",
    then="run nagle --set delay=0.1",
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
        why="a round trip for each write, and 40 ms; a kernel timer may be 8 ms late",
    )
    lab.expect_time("with TCP_NODELAY they take one round trip", took["nodelay"], trip)
    lab.expect_time("one write of both takes one round trip", took["one"], trip)
    waits = took["nagle"] > took["one"] + trip / 2
    lab.conclude(
        True,
        f"two small writes are answered after {took['nagle'] * 1e3:.1f} ms, one of both after "
        f"{took['one'] * 1e3:.1f} ms.",
        only="for the first of two small writes" if waits else "",
    )
