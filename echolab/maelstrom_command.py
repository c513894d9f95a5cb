"""The command `maelstrom`: a program written for Maelstrom, on hosts of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from click import argument, option

from echolab.command_kinds import PATH, WholeNumber, drawn, files_options
from echolab.errors import BadInput
from echolab.help_pages import Command

NAME = "maelstrom"


@click.command("maelstrom", cls=Command)
@argument("workload", metavar="WORKLOAD")
@argument("program", type=PATH, metavar="PROGRAM")
@argument("words", nargs=-1, metavar="[-- WORD]...")
@option("--nodes", type=WholeNumber(1), metavar="N", default=5, help="How many nodes.")
@option("--rate", metavar="R", default="5", help="Operations a second, of all clients together.")
@option("--time-limit", metavar="10s", default="10s", help="How long clients ask, in lab time.")
@option("--latency", metavar="10ms", default="0", help="How long messages between nodes take.")
@option(
    "--latency-dist",
    metavar="NAME",
    default="constant",
    help="constant, uniform, normal, pareto or paretonormal.",
)
@option("--topology", metavar="NAME", default="grid", help="grid, line, total, tree2, … tree4.")
@option("--partition", is_flag=True, help="Cut nodes off from one another, now and then.")
@option(
    "--partition-interval", metavar="2s", default="2s", help="How long a cut lasts, and a rest."
)
@option(
    "--fault", "faults", metavar="FAULT", multiple=True, help="Such as 'slow n1 by 0.2 at 1 for 2'."
)
@option("--timeout", metavar="5s", default="5s", help="How long a client waits for an answer.")
@option("--availability", metavar="total", default="", help="Every operation must be answered.")
@option("--seed", type=WholeNumber(0, 2**63 - 1), metavar="N", help="The seed of the run.")
@option("--engine", metavar="NAME", default="exact", help="exact, docker or namespaces.")
@option("--explore", type=WholeNumber(1), metavar="N", help="Draw cuts in up to N runs.")
@option(
    "--out", type=PATH, metavar="DIR", default=Path("runs"), help="Where the run's folder is made."
)
@files_options
@option("--capture/--no-capture", default=True, help="Keep packet captures.")
@option("--report/--no-report", default=True, help="Draw the report.")
@option("--open", "opened", is_flag=True, help="Open the report in the browser.")
def maelstrom_command(
    workload: str,
    program: Path,
    words: Sequence[str],
    nodes: int,
    rate: str,
    time_limit: str,
    latency: str,
    latency_dist: str,
    topology: str,
    partition: bool,
    partition_interval: str,
    faults: Sequence[str],
    timeout: str,
    availability: str,
    seed: int | None,
    engine: str,
    explore: int | None,
    out: Path,
    capture: bool,
    report: bool,
    opened: bool,
) -> None:
    """Run a program written for Maelstrom: each node on a host of its own, on a real network.

    Workloads: echo, unique-ids, broadcast, g-set, g-counter, pn-counter, lin-kv, kafka. It is the
    scenario `maelstrom`; docs/distributed.md tells more.
    """
    from echolab.maelstrom import asked

    others = {
        "rate": rate,
        "time_limit": time_limit,
        "latency": latency,
        "distribution": latency_dist,
        "topology": topology,
        "timeout": timeout,
        "available": availability,
    }
    given = asked.Asked(workload, program, tuple(words), others)
    given.check()
    common = {"set": given.settings(), "compose": asked.compose_file(nodes, out), "out": out}
    if explore is not None:
        if partition or faults:
            raise BadInput("partitions are drawn when exploring", "leave --partition and --fault")
        _invoke("explore", name=NAME, runs=explore, time=None, seed=seed or 0, **common)
        return
    seed = drawn(seed)
    if partition:
        faults = (*faults, *asked.cuts(nodes, time_limit, partition_interval, seed))
    _invoke(
        "run",
        names=(NAME,),
        engine=engine,
        seed=seed,
        faults=faults or ("none",),
        capture=capture,
        report=report,
        opened=opened,
        **common,
    )


def _invoke(command: str, **given: object) -> None:
    """Call another command; options that are not given have their defaults there."""
    context = click.get_current_context()
    group = context.find_root().command
    assert isinstance(group, click.Group)
    context.invoke(group.commands[command], **given)
