"""Two runs side by side: what differed, what each saw, and the two stories."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab.record import Record
from echolab.report import plots, view
from echolab.report.messages import Series
from echolab.report.page import environment

Told = tuple[Record, Path]

SETTINGS = ("scenario", "engine", "seed", "link_by", "kernel", "link_kernel", "compose")
"""Names of a record's top level by which two runs may differ before anything happens."""


def draw(a: Told, b: Told, at: float | None = None) -> str:
    """The comparison of two runs, each a judged record and the folder of its captures.

    `at` adds the packets of both from that lab second on.
    """
    runs = [
        view.of(record, folder, f"run-{letter.lower()}", compact=True, at=at)
        for letter, (record, folder) in zip("AB", (a, b), strict=True)
    ]
    names = [a[0]["scenario"], b[0]["scenario"]]
    return (
        environment()
        .get_template("compare.html.j2")
        .render(
            runs=runs,
            letters="AB",
            title=" and ".join(dict.fromkeys(names)) + " — echolab, two runs",
            settings=settings(a[0], b[0]),
            claims=paired_claims(runs[0].claims, runs[1].claims),
            probes=_probes(runs[0].series, runs[1].series),
        )
    )


def settings(a: Record, b: Record) -> list[tuple[str, str, str, bool]]:
    """Name, value in either run, and whether they differ; those that differ first."""
    rows = [(name, str(a.get(name, "—")), str(b.get(name, "—"))) for name in SETTINGS]
    parameters = dict.fromkeys((*a["parameters"], *b["parameters"]))
    rows += [
        (name, str(a["parameters"].get(name, "—")), str(b["parameters"].get(name, "—")))
        for name in parameters
    ]
    told = [(name, left, right, left != right) for name, left, right in rows]
    return sorted(told, key=lambda row: not row[3])


def paired_claims(
    a: Sequence[Mapping[str, str]], b: Sequence[Mapping[str, str]]
) -> list[tuple[str, Mapping[str, str] | None, Mapping[str, str] | None]]:
    """Each claim's text with what either run says of it; None where it states no such claim.

    A claim that is stated several times is paired in the order in which it was stated.
    """
    left, right = _by_text(a), _by_text(b)
    return [
        (text, left.get((text, number)), right.get((text, number)))
        for text, number in dict.fromkeys((*left, *right))
    ]


def _by_text(claims: Sequence[Mapping[str, str]]) -> dict[tuple[str, int], Mapping[str, str]]:
    found: dict[tuple[str, int], Mapping[str, str]] = {}
    for claim in claims:
        number = sum(text == claim["text"] for text, _ in found)
        found[claim["text"], number] = claim
    return found


def _probes(a: Sequence[Series], b: Sequence[Series]) -> list[dict[str, Any]]:
    """A figure for each probe that both runs have, and one for each that only one has."""
    names = dict.fromkeys(series.name for series in (*a, *b))
    rows = []
    for name in names:
        both = [
            dataclasses.replace(series, name=letter, look=look)
            for look, (letter, several) in enumerate((("A", a), ("B", b)))
            for series in several
            if series.name == name and series.latencies
        ]
        if both:
            picture = plots.distribution(both)
            rows.append({"name": name, "lines": view.lines(both), "picture": picture})
    return rows
