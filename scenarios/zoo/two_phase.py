"""Two-phase commit: both participants have a transaction, or neither has it, whoever fails.

Gray, "Notes on data base operating systems", 1978.
"""

from echolab import Client, Faults, Lab, Link, Parameter, scenario

PARTICIPANTS = ("b", "c")
NODES = ("a", *PARTICIPANTS)
PORT = 4000
MISTAKES = (
    "none, forgets-decision, forgets-promise, commits-alone, aborts-alone, counts-one-vote, "
    "acknowledges-early"
)


def add(client: Client) -> None:
    """Add an element on both participants."""
    element = client.random.randrange(10**6)

    def ask() -> None:
        answer = client.datagram("a", PORT, {"kind": "add", "element": str(element)})
        if answer.get("refused"):
            client.refuse()

    client.do("add", ask, element)


def read(client: Client) -> None:
    """Read a participant: there is a client for each."""
    node = PARTICIPANTS[int(client.process) - 1]

    def ask() -> list[int]:
        elements = client.datagram(node, PORT, {"kind": "read"})["elements"]
        return sorted(int(element) for element in elements)

    client.do("read", ask)


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=2, partition=2, pause=1, hosts=NODES, within=2, longest=1.5),
    parameters={
        "mistake": Parameter(f"what the nodes do wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=1, high=3),
        "operations": Parameter("operations of each client", low=1, high=10),
    },
)
def two_phase(lab: Lab, mistake: str = "none", clients: int = 3, operations: int = 10) -> None:
    for node in NODES:
        lab.shape(node, Link(delay=0.01))
        lab.serve(node, "programs/two_phase.py", mistake, node)
    lab.until_listening(NODES[-1], PORT, "udp")
    lab.workload(add, hosts="client", clients=clients, operations=operations, name="set")
    lab.sleep(1.5)
    seen = lab.workload(read, hosts="client", clients=2, operations=1, faults=False, name="set")
    lab.expect_history("both participants agree", seen, "agreement", model="set")
    lab.expect_history("what was acknowledged is there", seen, "nothing lost", model="set")
