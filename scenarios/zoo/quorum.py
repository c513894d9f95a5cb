"""A register kept by majorities is linearizable, whatever fails, if no step is left out.

Attiya, Bar-Noy and Dolev, "Sharing memory robustly in message-passing systems", 1995.
"""

from echolab import Client, Faults, Lab, Link, Parameter, scenario

NODES = ("a", "b", "c")
PORT = 4000
MISTAKES = "none, forgets, reads-alone, no-write-back, no-query, small-quorums, last-one-wins"


def operation(client: Client) -> None:
    """Read or write at some node."""
    node = client.random.choice(NODES)
    if client.random.random() < 0.5:
        client.do("read", lambda: client.datagram(node, PORT, {"kind": "read"})["value"])
        return
    value = client.random.randrange(1000)

    def write() -> None:
        client.datagram(node, PORT, {"kind": "write", "value": value})

    client.do("write", write, value)


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=1, partition=1, slow=2, lose=1, hosts=NODES, within=1.5, longest=1.5),
    parameters={
        "mistake": Parameter(f"what the nodes do wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=2, high=4),
        "operations": Parameter("operations of each client", low=2, high=8),
    },
)
def quorum(lab: Lab, mistake: str = "none", clients: int = 4, operations: int = 8) -> None:
    for node in NODES:
        lab.shape(node, Link(delay=0.005, jitter=0.004))
        lab.serve(node, "programs/quorum.py", mistake)
    lab.until_listening(NODES[-1], PORT, "udp")
    seen = lab.workload(operation, hosts="client", clients=clients, operations=operations)
    lab.expect_history("the register is linearizable", seen, model="cas-register")
