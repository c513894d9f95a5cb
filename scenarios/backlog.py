"""Who gets in through `listen(5)`, and when.

Linux queues one connection more than the backlog (listen(2)): six are established before
anyone calls accept. Further SYNs are dropped and counted (ListenOverflows). Their clients
try again after 1, 2, 3 and 4 seconds since Linux 6.5 (tcp_syn_linear_timeouts), and after
1, 3 and 7 seconds in older kernels (RFC 6298: the wait doubles).
"""

from echolab import Lab, Parameter, scenario

PORT = 4000
BETWEEN = 0.02  # seconds between the starts of two clients
NEAR = 0.25  # seconds: a SYN that comes so close to the first accept may be before or after it


@scenario(
    sentence="Der Server (Diensterbringer) wartet darauf, daß irgendein Client (Kunde) mit ihm "
    "Kontakt aufnehmen möchte.",
    expect="Six connect at once; the others connect when their SYN finds a free place.",
    parameters={
        "backlog": Parameter("what the server gives listen(2)", "", 0, 50),
        "busy": Parameter("how long it does not call accept", "s", 0.7, 10),
        "clients": Parameter("how many want to connect", "", 1, 60),
    },
    picture="queue",
    stretch="no-place",
    then="run backlog --set backlog=1",
)
def backlog(lab: Lab, backlog: int = 5, busy: float = 3.5, clients: int = 10) -> None:
    lab.python("server", "programs/late_server.py", PORT, backlog, busy, clients, trace=True)
    lab.until_listening("server", PORT)
    overflows = lab.counter("server", "TcpExt.ListenOverflows")
    crowd = lab.python("client", "programs/crowd.py", "server", PORT, clients, BETWEEN, 20.0)
    took = crowd.facts()
    overflows = lab.counter("server", "TcpExt.ListenOverflows") - overflows
    linear = lab.kernel >= (6, 5)
    grid = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0] if linear else [1.0, 3.0, 7.0, 15.0]
    admitted = next(at for at in grid if at > busy)
    at_once = [seconds for seconds in took if seconds is not None and seconds < 0.5]
    waited = [seconds for seconds in took if seconds is None or seconds >= 0.5]
    late = BETWEEN * clients > busy - 0.2 and "some clients begin when the server accepts"
    lab.expect_equal(
        "clients that got in at once",
        len(at_once),
        min(backlog + 1, clients),
        why="connect succeeds before accept is called: the kernel establishes connections",
        unless=late,
    )
    latest = BETWEEN * clients + NEAR
    unsure = any(-NEAR < busy - at < latest for at in grid) and (
        "some SYNs are sent just as the server begins to accept"
    )
    crowded = len(waited) > backlog + 1 and "more wait than find a place at a time"
    tries = sum(at < busy for at in [0.0, *grid])
    for number, seconds in enumerate(waited, start=1):
        lab.expect_range(
            f"client {backlog + 1 + number} got in with its next SYN",
            seconds,
            low=admitted - 0.01,
            high=admitted * 1.08,
            theory=admitted,
            unit="s",
            why="a kernel timer may be an eighth of a second late after 4 s",
            unless=late or unsure or crowded,
        )
    lab.expect(
        "ListenOverflows counts each SYN that found no place",
        overflows == tries * len(waited),
        seen=overflows,
        theory=f"{tries} of each of the {len(waited)}",
        unless=late or unsure or crowded,
    )
    longest = max((seconds for seconds in took if seconds is not None), default=0.0)
    lab.conclude(
        True,
        f"{len(at_once)} of {clients} clients got in at once, though nobody had called accept; "
        + (f"the last one after {longest:.2f} s." if waited else "nobody had to wait."),
        only="until the queue of listen is full" if waited else "",
    )
