"""Two runs side by side: what differed, what each saw, and the two stories."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from echolab.record import Record
from echolab.report import contents, plots
from echolab.report.contents import Figure, ShownClaim
from echolab.report.messages import Series
from echolab.report.page import environment

Told = tuple[Record, Path]


def draw(a: Told, b: Told, at: float | None = None, beside: Path | None = None) -> str:
    """The comparison of two runs, each a judged record and the folder of its captures.

    `at` adds the packets of both from that lab second on, `beside` is as in `page.draw`.
    """
    place = beside or a[1]
    runs = [
        contents.of(record, folder, f"run-{letter.lower()}", compact=True, at=at, beside=place)
        for letter, (record, folder) in zip("AB", (a, b), strict=True)
    ]
    names = [a[0].scenario, b[0].scenario]
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
    """Name, value in either run, and whether they differ; differing ones come first."""
    rows = list(zip(_settings(a), _settings(b), strict=True))
    told = [(name, left, right, left != right) for (name, left), (_, right) in rows]
    for name in dict.fromkeys((*a.parameters, *b.parameters)):
        left, right = (str(record.parameters.get(name, "—")) for record in (a, b))
        told.append((name, left, right, left != right))
    return sorted(told, key=lambda row: not row[3])


def _settings(record: Record) -> list[tuple[str, str]]:
    """A run's settings and where it ran, by name."""
    return [
        ("scenario", record.scenario),
        ("engine", record.engine),
        ("seed", str(record.seed)),
        ("link_by", record.link_by),
        ("kernel", record.kernel),
        ("link_kernel", record.link_kernel),
        ("compose", record.compose or "—"),
    ]


def paired_claims(
    a: Sequence[ShownClaim], b: Sequence[ShownClaim]
) -> list[tuple[str, ShownClaim | None, ShownClaim | None]]:
    """Each claim's text with both runs' results; None for a run that does not state the claim.

    A claim stated several times is paired in the order of its statements.
    """
    left, right = _by_text(a), _by_text(b)
    return [
        (text, left.get((text, number)), right.get((text, number)))
        for text, number in dict.fromkeys((*left, *right))
    ]


def _by_text(claims: Sequence[ShownClaim]) -> dict[tuple[str, int], ShownClaim]:
    found: dict[tuple[str, int], ShownClaim] = {}
    for claim in claims:
        number = sum(text == claim.text for text, _ in found)
        found[claim.text, number] = claim
    return found


def _probes(a: Sequence[Series], b: Sequence[Series]) -> list[Figure]:
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
            rows.append(Figure(name, picture, lines=contents.lines(both)))
    return rows
