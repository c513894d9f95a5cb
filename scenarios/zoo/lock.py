"""A counter behind a lock with leases loses no addition, if the store looks at the tokens.

Kleppmann, "How to do distributed locking", 2016.
"""

from typing import Any

from echolab import Client, Faults, Lab, Link, Parameter, scenario

NODES = ("a", "b")
PORT = 4000
MISTAKES = "none, no-fencing, token-again, forgets-token, store-forgets-token"


def ask(client: Client, node: str, kind: str, **message: Any) -> Any:
    """Ask the lock's server (a) or the store (b)."""
    answer = client.datagram(node, PORT, {"kind": kind, **message})
    if answer.get("refused"):
        client.refuse()
    return answer


def add(client: Client) -> None:
    """Add 1 to the counter while holding the lock; the client may be slow, as programs are."""

    def add_one() -> None:
        try:
            token = ask(client, "a", "acquire", holder=client.process)["token"]
            value = ask(client, "b", "read", token=token)["value"]
        except TimeoutError:
            client.refuse()  # nothing was written
        client.sleep(client.random.choice((0.0, 0.05, 0.1, 0.4)))
        ask(client, "b", "write", token=token, value=value + 1)
        ask(client, "a", "release", token=token)

    client.do("add", add_one, 1)


def read(client: Client) -> None:
    """Read the counter."""
    client.do("read", lambda: ask(client, "b", "read")["value"])


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=2, pause=1, slow=1, hosts=NODES, within=3, longest=1),
    parameters={
        "mistake": Parameter(f"what the nodes do wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=2, high=4),
        "operations": Parameter("operations of each client", low=1, high=10),
    },
)
def lock(lab: Lab, mistake: str = "none", clients: int = 4, operations: int = 10) -> None:
    for node, part in (("a", "server"), ("b", "store")):
        lab.shape(node, Link(delay=0.01))
        lab.serve(node, "programs/lock.py", mistake, part)
        lab.until_listening(node, PORT, "udp")
    lab.sleep(0.4)
    lab.workload(add, hosts="client", clients=clients, operations=operations, name="counter")
    seen = lab.workload(read, hosts="client", clients=1, operations=1, faults=False, name="counter")
    lab.expect_history("no addition is lost", seen, "nothing lost", model="counter")
