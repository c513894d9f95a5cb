"""A counter on one node: each addition counts once, though messages are lost and the node dies.

Saltzer, Reed and Clark, "End-to-end arguments in system design", 1984: repetitions must be known.
"""

from typing import Any

from echolab import Client, Faults, Lab, Link, Parameter, scenario

PORT = 4000
MISTAKES = "none, reads-then-writes, forgets, applies-twice"


def ask(client: Client, **message: Any) -> Any:
    """Ask the node, and ask again where no answer comes."""
    for _ in range(4):
        try:
            return client.datagram("a", PORT, message, within=0.2).get("value")
        except TimeoutError:
            continue
    raise TimeoutError


def add(client: Client) -> None:
    """Add to the counter."""
    amount, name = client.random.randint(1, 5), client.random.randrange(10**9)
    client.do("add", lambda: ask(client, kind="add", amount=amount, id=name), amount)


def read_then_write(client: Client) -> None:
    """Add to the counter by reading it and writing the sum, as if nobody else did."""
    amount = client.random.randint(1, 5)

    def add_up() -> None:
        value = ask(client, kind="read")
        ask(client, kind="write", value=value + amount)

    client.do("add", add_up, amount)


def read(client: Client) -> None:
    """Read the counter."""
    client.do("read", lambda: ask(client, kind="read"))


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=1, lose=1, slow=1, hosts=("a",), within=1, longest=1),
    parameters={
        "mistake": Parameter(f"what is done wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=1, high=3),
        "operations": Parameter("additions of each client", low=1, high=8),
    },
)
def counter(lab: Lab, mistake: str = "none", clients: int = 3, operations: int = 8) -> None:
    lab.shape("a", Link(delay=0.01))
    lab.serve("a", "programs/counter.py", mistake)
    lab.until_listening("a", PORT, "udp")
    way = read_then_write if mistake == "reads-then-writes" else add
    lab.workload(way, hosts="client", clients=clients, operations=operations, name="counter")
    seen = lab.workload(read, hosts="client", clients=1, operations=1, faults=False, name="counter")
    lab.expect_history("each addition counts once", seen, "exactly once", model="counter")
