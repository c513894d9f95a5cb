"""Redis, unmodified, loses writes that it has acknowledged when its primary is cut off.

Redis' replication is asynchronous, and a primary that is cut off goes on taking writes until it
learns of another one; then it takes over what that one has, and forgets the rest (Kingsbury, "Call
me maybe: Redis", 2013). Needs Debian's package redis-server.
"""

from echolab import Client, Faults, Lab, Link, Parameter, scenario

NODES = ("a", "b", "c")
PORT, SENTINEL = 6379, 26379
DISK = "/tmp"


def add(client: Client) -> None:
    """Add an element: near the first primary there, elsewhere where a sentinel says."""
    element = client.random.randrange(10**6)

    def ask() -> None:
        host = "a"
        if int(client.process) % 2 == 0:
            host, _ = client.redis("c", SENTINEL, "SENTINEL", "get-master-addr-by-name", "lab")
        client.redis(host, PORT, "SADD", "elements", element)

    client.do("add", ask, element)


def read(client: Client) -> None:
    """Read all elements, where a sentinel says."""

    def ask() -> list[int]:
        host, _ = client.redis("c", SENTINEL, "SENTINEL", "get-master-addr-by-name", "lab")
        return sorted(map(int, client.redis(host, PORT, "SMEMBERS", "elements")))

    client.do("read", ask)


def start(lab: Lab) -> None:
    """Start the servers, the replica, the sentinels."""
    address = lab.address("a").ip
    for node in ("a", "b"):
        words = [
            "--protected-mode",
            "no",
            "--save",
            "",
            "--dir",
            DISK,
            "--repl-diskless-sync-delay",
            "0",
        ]
        words += ["--replicaof", address, str(PORT)] if node == "b" else []
        lab.start(node, ["redis-server", *words])
        lab.until_listening(node, PORT)
    for number, node in enumerate(NODES):
        patience = 500 + 200 * number  # otherwise they stand at the same instant, and split votes
        config = (
            f"port {SENTINEL}\\nprotected-mode no\\nsentinel monitor lab {address} {PORT} 2\\n"
            f"sentinel down-after-milliseconds lab {patience}\\n"
            "sentinel failover-timeout lab 2000\\n"
        )
        command = f"printf '{config}' > {DISK}/lab.conf && exec redis-server {DISK}/lab.conf"
        lab.start(node, ["sh", "-c", f"{command} --sentinel"])
        lab.until_listening(node, SENTINEL)
    lab.sleep(12.0)  # a sentinel looks for replicas every ten seconds


@scenario(
    compose="redis.yaml",
    engines=("exact",),
    baseline=False,
    measured=False,
    faults=Faults(partition=1, hosts=("a", "b", "c", "near"), within=2, longest=6),
    parameters={
        "clients": Parameter("clients, half of them near the first primary", low=2, high=4),
        "operations": Parameter("additions of each client", low=2, high=12),
    },
)
def redis(lab: Lab, clients: int = 4, operations: int = 12) -> None:
    for node in NODES:
        lab.shape(node, Link(delay=0.005))
    start(lab)
    hosts = ("near", "client")
    lab.workload(
        add, hosts=hosts, clients=clients, operations=operations, interval=0.3, name="elements"
    )
    lab.sleep(5.0)
    seen = lab.workload(
        read, hosts="client", clients=1, operations=1, faults=False, name="elements"
    )
    lab.expect_history("what was acknowledged is there", seen, "nothing lost", model="set")
