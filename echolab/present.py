"""Records as lines and tables for a terminal: text only, nothing is printed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from echolab.record import FAIL, INCONCLUSIVE, PASS, Record

MARKS = {PASS: "✔", FAIL: "✘", INCONCLUSIVE: "?"}
COLOURS = {PASS: "32", FAIL: "31", INCONCLUSIVE: "33"}


def figure(value: Any, unit: str = "") -> str:
    """A figure as people read it: times in milliseconds, numbers without needless digits."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if unit == "s":
            return f"{value * 1e3:.3f} ms"
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(figure(item, unit) for item in value)
    return str(value)


def seen(claim: Mapping[str, Any]) -> str:
    """What a claim saw."""
    if claim["kind"] == "rate":
        share = f" = {claim['seen'] / claim['of']:.2%}" if claim["of"] else ""
        return f"{claim['seen']} of {claim['of']}{share}"
    return figure(claim["seen"], claim.get("unit", ""))


def theory(claim: Mapping[str, Any]) -> str:
    """What theory says of a claim."""
    if claim["kind"] == "rate":
        return f"{claim['theory']:.2%}"
    return figure(claim["theory"], claim.get("unit", ""))


def claim_line(claim: Mapping[str, Any], *, colour: bool) -> str:
    """One claim on one line: mark, verdict, text, what was seen, what theory says."""
    verdict = claim["verdict"]
    head = f"{MARKS[verdict]} {verdict}"
    if colour:
        head = f"\033[{COLOURS[verdict]}m{head}\033[0m"
    told = f" (theory {theory(claim)})" if claim["theory"] is not None else ""
    figures = f": {seen(claim)}{told}" if claim["seen"] is not None or told else ""
    why = f" — {claim['why']}" if verdict != PASS and claim["why"] else ""
    return f"  {head}  {claim['text']}{figures}{why}"


def heading(record: Record) -> str:
    """The first line of a run: scenario, engine, link, lab and wall time, seed."""
    return (
        f"{record['scenario']} on {record['engine']} (link by {record['link_by']}, kernel "
        f"{record['link_kernel']}), {record['lab_seconds']:.1f} s of lab time in "
        f"{record['wall_seconds']:.1f} s, seed {record['seed']}"
    )


def probe_rows(record: Record) -> list[list[str]]:
    """A row a probe: who, delivered, late, lost, out of order, latencies, retransmissions."""
    rows = []
    for probe in record["probes"]:
        latency = probe["latency_ms"] or {}
        rows.append(
            [
                f"{probe['host']} → {probe['target']}",
                probe["protocol"],
                f"{probe['delivered']} of {probe['count']}",
                *(str(probe[name]) for name in ("late", "lost", "duplicated", "out_of_order")),
                *(
                    f"{latency[name]:.3f}" if name in latency else "—"
                    for name in ("median", "p99", "max")
                ),
                str(probe["retransmits"]),
            ]
        )
    return rows


PROBE_HEADINGS = (
    *("probe", "protocol", "delivered", "late", "lost", "twice", "out of order"),
    *("median ms", "p99 ms", "max ms", "retransmits"),
)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> str:
    """A table that fits in `width` columns, its texts wrapped where they must be."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    body = [[str(cell) for cell in row] for row in rows]
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="")
    for column, heading in enumerate(headings):
        figures = bool(body) and all(row[column][:1].isdigit() for row in body)
        drawn.add_column(heading, justify="right" if figures else "left")
    for row in body:
        drawn.add_row(*row)
    console = Console(width=width, color_system=None, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines())


def run(record: Record, width: int, *, colour: bool) -> str:
    """A whole run: its heading, its probes as a table, a line a claim, its warnings."""
    lines = [heading(record)]
    if len(record["probes"]) > 1:
        lines.append(table(PROBE_HEADINGS, probe_rows(record), width))
    lines += [claim_line(claim, colour=colour) for claim in record["claims"]]
    if not record["claims"]:
        lines.append("  ? inconclusive  the scenario states no claim")
    lines += [f"  warning: {warning}" for warning in record["warnings"]]
    return "\n".join(lines)


def claims_table(records: Sequence[Record], width: int) -> str:
    """The table that ends a run of many scenarios: sentence, claim, seen, theory, verdict."""
    rows = []
    for record in records:
        for claim in record["claims"]:
            rows.append(
                [
                    record["scenario"],
                    record["sentence"],
                    claim["text"],
                    seen(claim),
                    theory(claim),
                    f"{MARKS[claim['verdict']]} {claim['verdict']}",
                ]
            )
    return table(("scenario", "sentence", "claim", "seen", "theory", "verdict"), rows, width)
