"""etcd, unmodified: its reads are linearizable, and those called serializable are not.

A serializable read is answered by the node that was asked from what it knows, which may be old
(etcd's documentation, "KV API guarantees"). Needs Debian's package etcd-server.
"""

import base64
import json
from typing import Any

from echolab import Client, Faults, Lab, Link, Parameter, scenario

NODES = ("a", "b", "c")
PORT = 2379
KEY = base64.b64encode(b"register").decode()


def ask(client: Client, node: str, path: str, **message: Any) -> Any:
    """Ask a node by its gateway from JSON; what it does not answer may or may not be done."""
    status, text = client.http(node, PORT, f"/v3/kv/{path}", json.dumps({"key": KEY, **message}))
    if status != 200:
        raise TimeoutError
    return json.loads(text)


def look(client: Client, node: str, serializable: bool) -> Any:
    """The register's value as a node tells it."""
    found = ask(client, node, "range", serializable=serializable).get("kvs")
    return int(base64.b64decode(found[0]["value"])) if found else None


def operate(client: Client, serializable: bool) -> None:
    """Read or write at some node."""
    node = client.random.choice(NODES)
    if client.random.random() < 0.5:
        client.do("read", lambda: look(client, node, serializable))
        return
    value = client.random.randrange(1000)
    text = base64.b64encode(str(value).encode()).decode()

    def write() -> None:
        ask(client, node, "put", value=text)

    client.do("write", write, value)


def by_default(client: Client) -> None:
    """Read as etcd does unless told otherwise."""
    operate(client, False)


def serializable_reads(client: Client) -> None:
    """Read what the node itself knows."""
    operate(client, True)


@scenario(
    compose="etcd.yaml",
    engines=("exact",),
    baseline=False,
    measured=False,
    faults=Faults(partition=1, pause=1, slow=1, hosts=NODES, within=2, longest=3),
    parameters={
        "serializable": Parameter("whether a read is answered by the node itself"),
        "clients": Parameter("clients", low=2, high=4),
        "operations": Parameter("operations of each client", low=3, high=15),
    },
)
def etcd(lab: Lab, serializable: bool = False, clients: int = 4, operations: int = 15) -> None:
    for node in NODES:
        own = f"http://{node}:2380"
        words = ["--name", node, "--initial-advertise-peer-urls", own]
        lab.start(node, ["etcd", *words, "--advertise-client-urls", f"http://{node}:{PORT}"])
    for node in NODES:
        lab.until_listening(node, PORT)
        lab.shape(node, Link(delay=0.005))
    lab.sleep(3.0)
    way = serializable_reads if serializable else by_default
    seen = lab.workload(way, hosts="client", clients=clients, operations=operations, interval=0.2)
    lab.expect_history("the register is linearizable", seen, model="cas-register")
