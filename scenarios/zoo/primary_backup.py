"""A primary and a backup, appointed by a view service, do each operation exactly once.

Alsberg and Day, "A principle for resilient sharing of distributed resources", 1976.
"""

from typing import Any

from echolab import Client, Faults, Lab, Link, Parameter, scenario

SERVERS = ("a", "b")
NODES = (*SERVERS, "c")
PORT = 4000
MISTAKES = "none, acknowledges-early, reads-alone, no-transfer, two-primaries, applies-twice"


def ask(client: Client, **message: Any) -> Any:
    """Ask one server and the other until one knows; the id makes it the same operation."""
    first, sent = client.random.randrange(2), False
    for attempt in range(6):
        server = SERVERS[(first + attempt) % 2]
        try:
            answer = client.datagram(server, PORT, message, within=0.15)
        except TimeoutError:
            sent = True
            continue
        if "text" in answer:
            return answer["text"]
        sent = sent or "unsure" in answer
        client.sleep(0.05)
    if sent:
        raise TimeoutError
    return client.refuse()


def operation(client: Client) -> None:
    """Read the text, or append to it."""
    if client.random.random() < 0.5:
        client.do("get", lambda: ask(client, kind="read"), key="text")
        return
    word = f"<{client.process}.{client.random.randrange(10**6)}>"

    def append() -> None:
        ask(client, kind="append", text=word, id=word)

    client.do("append", append, word, key="text")


@scenario(
    compose="three.yaml",
    baseline=False,
    measured=False,
    faults=Faults(kill=2, partition=2, pause=1, lose=1, hosts=SERVERS, within=3, longest=1.5),
    parameters={
        "mistake": Parameter(f"what the nodes do wrong: {MISTAKES}"),
        "clients": Parameter("clients", low=2, high=3),
        "operations": Parameter("operations of each client", low=3, high=20),
    },
)
def primary_backup(lab: Lab, mistake: str = "none", clients: int = 3, operations: int = 20) -> None:
    for node in NODES:
        lab.shape(node, Link(delay=0.002))
        lab.serve(node, "programs/primary_backup.py", "service" if node == "c" else mistake)
    lab.until_listening(NODES[-1], PORT, "udp")
    lab.sleep(0.5)
    seen = lab.workload(operation, hosts="client", clients=clients, operations=operations)
    lab.expect_history("the text is linearizable", seen, model="kv")
    lab.expect_history("nothing is there twice", seen, "at most once", model="kv")
