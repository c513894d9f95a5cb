"""A program written for Maelstrom, on hosts of its own: what must hold for its workload."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from echolab import BadInput, Client, Faults, Lab, Link, Parameter, ProgramRun, Workload, scenario
from echolab import RunningProgram as Program
from echolab.maelstrom import checks, figures, hosts
from echolab.record import Json

PORT = 4000
"""The same as in `echo_app.maelstrom`."""

RECOVERY = 10.0
"""Seconds between the last operation and the final requests, as in Maelstrom."""

SPREAD = 0.5
"""The deviation of a latency that is not constant and not uniform, as a share of its mean."""

TICK = 8e-6
"""Seconds: a multiple of the microseconds and of the 64 ns in which tc(8) counts a delay with a
distribution from a table."""

SHOWN = 5
"""How many contradictions a claim shows."""


def operate(client: Client, workload: str, nodes: list[str], final: bool) -> None:
    """One operation of a client, or its final request."""
    from echo_app import maelstrom_client

    maelstrom_client.operate(client, workload, nodes, final)


@scenario(
    baseline=False,
    measured=False,
    files=("program",),
    faults=Faults(partition=3, hosts=("n*",), within=8, longest=5),
    parameters={
        "workload": Parameter(f"what clients ask: {', '.join(checks.CHECKERS)}"),
        "program": Parameter("the node's program, which can be executed"),
        "words": Parameter("what the program is given, as JSON"),
        "rate": Parameter("operations a second, of all clients together", low=0.01),
        "time_limit": Parameter("how long clients ask", unit="s", low=0.1),
        "latency": Parameter("how long a message between nodes is under way", unit="s", low=0),
        "distribution": Parameter("of the latency: constant, uniform, normal, pareto, …"),
        "topology": Parameter(f"who is whose neighbour: {', '.join(hosts.TOPOLOGIES)}"),
        "timeout": Parameter("how long a client waits for an answer", unit="s", low=0.01),
        "available": Parameter("total if every operation must succeed"),
    },
)
def maelstrom(
    lab: Lab,
    workload: str = "echo",
    program: str = "",
    words: str = "[]",
    rate: float = 5.0,
    time_limit: float = 10.0,
    latency: float = 0.0,
    distribution: str = "constant",
    topology: str = "grid",
    timeout: float = 5.0,
    available: str = "",
) -> None:
    checks.checker(workload)
    if not program:
        raise BadInput("there is no program", "write: ./lab maelstrom WORKLOAD PROGRAM")
    nodes = [name for name in lab.hosts if name.startswith("n")]
    clients = [name for name in lab.hosts if name.startswith("c")]
    near = hosts.neighbours(topology, nodes)
    if latency:
        _delay(lab, nodes, clients, latency, distribution)
    running = [_service(lab, name) for name in hosts.SERVICES]
    argv = ("python3", "-m", "echo_app.maelstrom_node", program, *json.loads(words))
    started = [lab.start(node, argv) for node in nodes]
    for host in (*hosts.SERVICES, *nodes):
        lab.until_listening(host, PORT, "udp")
    wrong = _begin(lab, clients[0], nodes, near if workload == "broadcast" else {})
    if wrong:
        lab.expect("every node is initialized", False, seen=wrong[:SHOWN])
        _end(lab, started)
        return
    arguments = {"workload": workload, "nodes": nodes, "final": False}
    seen = lab.workload(
        operate,
        hosts=clients,
        clients=len(clients),
        operations=max(round(rate * time_limit / len(clients)), 1),
        interval=len(clients) / rate,
        timeout=timeout,
        name=workload,
        arguments=arguments,
        paced=True,
        apart=nodes,
    )
    asked, final = len(seen.operations), float("inf")
    if workload in ("broadcast", "g-set", "g-counter", "pn-counter", "kafka"):
        lab.sleep(RECOVERY)
        final = lab.now()
        seen = lab.workload(
            operate,
            hosts=clients,
            clients=len(clients),
            operations=1,
            interval=0,
            timeout=timeout,
            name=workload,
            arguments={**arguments, "final": True},
            faults=False,
        )
        missing = [one for one in seen.operations if one.invoked >= final and one.outcome != "ok"]
        lab.expect_none("node fails to answer in the end", len({one.process for one in missing}))
    for one in running:
        one.stop()
    ended = _end(lab, started)
    _judge(lab, workload, seen, final, available == "total")
    _tell(lab, workload, seen, ended, asked)


def _delay(
    lab: Lab, nodes: Sequence[str], clients: Sequence[str], latency: float, distribution: str
) -> None:
    """Delay what nodes send to one another and to services, but not their answers to clients."""
    if distribution not in (hosts.CONSTANT, "uniform"):
        latency = round(latency / TICK) * TICK
    jitter = {hosts.CONSTANT: 0.0, "uniform": latency}.get(distribution)
    if jitter is None:
        jitter = round(latency * SPREAD / TICK) * TICK
    shape = "uniform" if distribution == hosts.CONSTANT else distribution
    for number, node in enumerate(nodes):
        own = {clients[number % len(clients)], clients[0]}
        late = Link(delay=latency, jitter=jitter, distribution=shape)
        lab.shape(node, late, *(Link(toward=client) for client in sorted(own)))


def _service(lab: Lab, name: str) -> Program:
    return lab.start(name, ("python3", "-m", "echo_app.maelstrom_service", name))


def _begin(lab: Lab, client: str, nodes: Sequence[str], near: Json) -> list[str]:
    """Have a client initialize nodes; return a line for each that is not initialized."""
    given = json.dumps({"nodes": nodes, "topology": near}).encode()
    argv = ("python3", "-m", "echo_app.maelstrom_client")
    told = lab.start(client, argv, input=given).facts()
    return [str(line) for line in told]


def _end(lab: Lab, started: Sequence[Program]) -> list[ProgramRun]:
    """End the nodes; none of them may have ended before."""
    ended = [one.stop() for one in started]
    wrong = [
        f"{run.host}: {(run.stderr.strip().splitlines() or ['it ended'])[-1]}"
        for run in ended
        if run.status != 0
    ]
    lab.expect("every program runs on, and writes messages", not wrong, seen=wrong or None)
    return ended


def _judge(lab: Lab, workload: str, seen: Workload, final: float, total: bool) -> None:
    """State what must hold for the workload."""
    for check in checks.checker(workload)(seen.operations, final):
        broken = list(check.broken[:SHOWN])
        lab.expect(check.text, not broken, seen=broken or None)
    if workload == "lin-kv":
        lab.expect_history("the store is linearizable", seen, model="register")
    done = {one.function for one in seen.operations if one.outcome == "ok"}
    never = sorted({one.function for one in seen.operations} - done - {"cas"})
    reason = "hosts were cut off meanwhile" if lab.schedule and never else ""
    lab.expect("operations of each kind succeed", not never, seen=never or None, unless=reason)
    if total:
        failed = [
            one
            for one in seen.operations
            if one.outcome == "unknown" or (one.outcome == "fail" and one.function != "cas")
        ]
        lab.expect_none("operation fails or goes unanswered", len(failed))


def _tell(lab: Lab, workload: str, seen: Workload, ended: Sequence[ProgramRun], asked: int) -> None:
    """Write down the figures, and print them."""
    sent: Counter[str] = Counter()
    for run in ended:
        sent.update(json.loads(run.stdout or "{}"))
    told: dict[str, Json] = {
        "operations": figures.operations(seen.operations[:asked]),
        "messages": figures.messages(sent, asked),
    }
    if workload in checks.ADDS:
        late = figures.stable(seen.operations, checks.ADDS[workload])
        told["stable_latency_ms"] = figures.quantiles(late)
    lab.note("statistics", "operations, latencies, messages", told)
    print("\n".join(figures.lines(told)))
