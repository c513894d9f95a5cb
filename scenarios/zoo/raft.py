"""A register on a log that three nodes agree on is linearizable, if no rule of Raft is left out.

Ongaro and Ousterhout, "In search of an understandable consensus algorithm", 2014.
"""

from typing import Any

from echolab import Client, Faults, Lab, Link, Parameter, scenario

NODES = ("a", "b", "c")
PORT = 4000
MISTAKES = (
    "none, forgets-everything, forgets-vote, forgets-term, no-election-restriction, "
    "counts-old-terms, truncates-too-far, acknowledges-early, reads-from-old-leader, "
    "reads-anywhere"
)


def ask(client: Client, node: str, **message: Any) -> Any:
    """Ask a node that may not be the leader, or may not know what becomes of it."""
    answer = client.datagram(node, PORT, message)
    if answer.get("refused"):
        client.refuse()
    if answer.get("unsure"):
        raise TimeoutError
    return answer.get("value")


def operation(client: Client) -> None:
    """Read or write at some node."""
    node = client.random.choice(NODES)
    if client.random.random() < 0.5:
        client.do("read", lambda: ask(client, node, kind="read"))
    else:
        value = client.random.randrange(1000)
        client.do("write", lambda: ask(client, node, kind="write", value=value), value)


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=3, partition=2, slow=1, lose=1, hosts=NODES, within=2.5, longest=1.5),
    parameters={
        "mistake": Parameter(f"what the nodes do wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=2, high=4),
        "operations": Parameter("operations of each client", low=3, high=30),
    },
)
def raft(lab: Lab, mistake: str = "none", clients: int = 4, operations: int = 30) -> None:
    for node in NODES:
        lab.shape(node, Link(delay=0.002))
        lab.serve(node, "programs/raft.py", mistake)
    lab.until_listening(NODES[-1], PORT, "udp")
    lab.sleep(0.5)
    seen = lab.workload(
        operation, hosts="client", clients=clients, operations=operations, timeout=0.3
    )
    lab.expect_history("the register is linearizable", seen, model="cas-register")
