"""Records as lines and tables for a terminal: text only, nothing is printed here."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from echolab.record import FAIL, INCONCLUSIVE, PASS, Record

MARKS = {PASS: "✔", FAIL: "✘", INCONCLUSIVE: "?"}
COLOURS = {PASS: "32", FAIL: "31", INCONCLUSIVE: "33"}

EDGE, GAP = " ", "   "
"""What stands before a table's first column, and between two columns."""


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
    """A table between two empty lines, its texts wrapped so that it fits in `width` columns."""
    body = [[str(cell) for cell in row] for row in rows]
    columns = list(zip(headings, *body, strict=True))
    figures = [bool(body) and all(cell[:1].isdigit() for cell in column[1:]) for column in columns]
    room = width - len(EDGE) - len(GAP) * (len(columns) - 1)
    widths = _fitted([max(map(len, column)) for column in columns], room)

    def lines(cells: Sequence[str]) -> Iterator[str]:
        wrapped = [
            textwrap.wrap(cell, size) or [""] for cell, size in zip(cells, widths, strict=True)
        ]
        for parts in itertools.zip_longest(*wrapped, fillvalue=""):
            placed = (
                part.rjust(size) if right else part.ljust(size)
                for part, size, right in zip(parts, widths, figures, strict=True)
            )
            yield f"{EDGE}{GAP.join(placed)}".rstrip()

    rule = EDGE + "─" * (sum(widths) + len(GAP) * (len(columns) - 1))
    below = itertools.chain.from_iterable(map(lines, body))
    return "\n".join(["", *lines(headings), rule, *below, ""])


def _fitted(widths: Sequence[int], room: int) -> list[int]:
    """Widths that need no more than `room` together: the widest give way, alike."""
    fitted = list(widths)
    while sum(fitted) > room and max(fitted) > 1:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


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
