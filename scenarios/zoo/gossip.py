"""A counter that nodes gossip about: in the end all know the same, and nothing is lost.

Shapiro, Preguiça, Baquero and Zawirski, "Conflict-free replicated data types", 2011.
"""

from echolab import Client, Faults, Lab, Link, Parameter, scenario

NODES = ("a", "b", "c")
PORT = 4000
MISTAKES = "none, forgets, counts-twice, gossips-news, last-one-wins, acknowledges-early"


def add(client: Client) -> None:
    """Add to the counter at some node."""
    node, amount = client.random.choice(NODES), client.random.randint(1, 5)

    def ask() -> None:
        client.datagram(node, PORT, {"kind": "add", "amount": amount})

    client.do("add", ask, amount)


def read(client: Client) -> None:
    """Read the counter at the client's own node: there is a client for each."""
    node = NODES[int(client.process) - 1]
    client.do("read", lambda: client.datagram(node, PORT, {"kind": "read"})["value"])


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=2, partition=2, lose=1, duplicate=1, hosts=NODES, within=2, longest=1.5),
    parameters={
        "mistake": Parameter(f"what the nodes do wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=1, high=3),
        "operations": Parameter("operations of each client", low=1, high=10),
    },
)
def gossip(lab: Lab, mistake: str = "none", clients: int = 3, operations: int = 10) -> None:
    for node in NODES:
        lab.shape(node, Link(delay=0.005))
        lab.serve(node, "programs/gossip.py", mistake)
    lab.until_listening(NODES[-1], PORT, "udp")
    lab.workload(add, hosts="client", clients=clients, operations=operations, name="counter")
    lab.sleep(1.0)
    seen = lab.workload(
        read, hosts="client", clients=len(NODES), operations=1, faults=False, name="counter"
    )
    lab.expect_history("all nodes agree", seen, "agreement", model="counter")
    lab.expect_history("each addition counts once", seen, "exactly once", model="counter")
