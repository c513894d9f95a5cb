"""The hosts of a run of Maelstrom's programs: nodes, clients, services; and the neighbours of each.

The names are Maelstrom's: nodes n1, n2, …; clients c0, c1, …, one for each node or more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from echolab.errors import BadInput

SERVICES = ("lin-kv", "seq-kv", "lww-kv", "lin-tso")

TOPOLOGIES = ("grid", "line", "total", "tree2", "tree3", "tree4")

MOST_NODES = 32

CONSTANT = "constant"
"""The distribution of a latency between nodes that is always the same."""


def names(nodes: int) -> tuple[str, ...]:
    """The names of that many nodes. Raises BadInput for too few or too many."""
    if not 1 <= nodes <= MOST_NODES:
        raise BadInput(f"a lab of {nodes} nodes", f"give 1 to {MOST_NODES}")
    return tuple(f"n{number}" for number in range(1, nodes + 1))


def compose(nodes: int) -> str:
    """The Compose file for that many nodes, a client for each, and the services."""
    clients = tuple(f"c{number}" for number in range(nodes))
    lines = [
        "# Nodes, a client for each, and the services: the hosts of ./lab maelstrom.",
        "",
        "x-host: &host",
        "  image: echolab-host",
        "  x-echolab: idle",
        "",
        "services:",
        *(f"  {name}: *host" for name in (*names(nodes), *clients, *SERVICES)),
        "",
        "networks:",
        "  default:",
        "    internal: true",
    ]
    return "\n".join(lines) + "\n"


def neighbours(topology: str, nodes: Sequence[str]) -> Mapping[str, list[str]]:
    """The neighbours of each node: on a nearly square grid, on a line, in a tree, or all others.

    Raises BadInput for another topology.
    """
    found: dict[str, list[str]] = {node: [] for node in nodes}
    for one, other in _edges(topology, len(nodes)):
        found[nodes[one]].append(nodes[other])
        found[nodes[other]].append(nodes[one])
    return found


def _edges(topology: str, count: int) -> Iterator[tuple[int, int]]:
    """Pairs of neighbours, by their numbers."""
    if topology not in TOPOLOGIES:
        raise BadInput(f"there is no topology '{topology}'", f"choose {', '.join(TOPOLOGIES)}")
    if topology == "total":
        yield from ((one, other) for other in range(count) for one in range(other))
    elif topology.startswith("tree"):
        branches = int(topology.removeprefix("tree"))
        yield from (((number - 1) // branches, number) for number in range(1, count))
    else:
        width = 1 if topology == "line" else math.ceil(math.sqrt(count))
        for number in range(count):
            if (number + 1) % width and number + 1 < count:
                yield number, number + 1
            if number + width < count:
                yield number, number + width
