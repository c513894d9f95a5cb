"""The report: one HTML file that needs no network, drawn from records and their captures."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import jinja2

from echolab.present import MARKS
from echolab.record import Record
from echolab.report import strip, view

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def environment() -> jinja2.Environment:
    """The templates; whatever a record holds is escaped in them."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals.update(
        marks=MARKS,
        style=_own("report.css"),
        script=_own("report.js"),
        strip_key=strip.legend(),
    )
    return made


def _own(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def draw(records: Sequence[tuple[Record, Path]], at: float | None = None) -> str:
    """The report of one run or several, each a judged record and the folder of its captures.

    The same records and captures give the same text. `at` adds the packets from that lab
    second on. Captures that are missing are told of, not complained about.
    """
    many = len(records) > 1
    runs = [
        view.of(record, folder, f"run-{number}", compact=many, at=at)
        for number, (record, folder) in enumerate(records, start=1)
    ]
    title = "echolab" if many else f"{records[0][0]['scenario']} — echolab"
    return environment().get_template("page.html.j2").render(runs=runs, title=title)
