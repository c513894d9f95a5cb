"""Who gets in through `listen(5)`, and when.

Linux queues one connection more than the backlog (listen(2)): six are established before
anyone calls accept. Further SYNs are dropped and counted (ListenOverflows); their clients
try again after 1, 2, 3 and 4 seconds since Linux 6.5 (tcp_syn_linear_timeouts), after 1, 3
and 7 seconds before (RFC 6298: the wait doubles).
"""

from echolab import Lab, scenario

PORT = 4000


@scenario(
    sentence="Der Server (Diensterbringer) wartet darauf, daß irgendein Client (Kunde) mit ihm "
    "Kontakt aufnehmen möchte.",
    expect="Six connect at once; the others when their SYN meets a free place.",
)
def backlog(lab: Lab, backlog: int = 5, busy: float = 3.5, clients: int = 10) -> None:
    lab.python("server", "programs/late_server.py", PORT, backlog, busy, clients, trace=True)
    lab.until_listening("server", PORT)
    overflows = lab.counter("server", "TcpExt.ListenOverflows")
    crowd = lab.python("client", "programs/crowd.py", "server", PORT, clients, 0.02, 20.0)
    took = crowd.facts()
    overflows = lab.counter("server", "TcpExt.ListenOverflows") - overflows
    linear = lab.kernel >= (6, 5)
    grid = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0] if linear else [1.0, 3.0, 7.0, 15.0]
    admitted = next(at for at in grid if at > busy)
    at_once = [seconds for seconds in took if seconds is not None and seconds < 0.5]
    waited = [seconds for seconds in took if seconds is None or seconds >= 0.5]
    lab.expect_equal(
        "clients that got in at once",
        len(at_once),
        backlog + 1,
        why="connect succeeds although nobody called accept: the kernel makes connections",
    )
    tries = sum(at < busy for at in [0.0, *grid])
    for number, seconds in enumerate(waited, start=1):
        lab.expect_range(
            f"client {backlog + 1 + number} got in at its SYN's next attempt",
            seconds,
            low=admitted - 0.01,
            high=admitted * 1.08,
            theory=admitted,
            unit="s",
            why="a timer of the kernel may be an eighth of a second late after 4 s",
        )
    lab.expect(
        "ListenOverflows counts each SYN that found no place",
        overflows == tries * len(waited),
        seen=overflows,
        theory=f"{tries} of each of the {clients - backlog - 1}",
    )
