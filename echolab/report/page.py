"""The report: one HTML file that needs no network, drawn from records and their captures."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
import markupsafe

from echolab import language, sayings
from echolab.record import Record
from echolab.report import contents, strip
from echolab.report.terminal import MARKS

WITH_UNIT = re.compile(r"\d[\d.,]* (?:%|[kM]?bit/s|[kM]B|ms|µs|s)(?!\w)")
"""A figure and its unit."""

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"


WORDS = {
    "message": language.later("message"),
    "a": language.later("answered"),
    "l": language.later("late"),
    "x": language.later("lost"),
    "o": language.later("out of order"),
    "t": language.later("answered twice"),
    "after": language.later("after {wait} ms"),
    "play": language.later("play"),
    "stop": language.later("stop"),
    "copied": language.later("copied"),
}
"""What the page's script says."""


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
    made.filters["together"] = together
    made.globals.update(
        _=language.translate,
        language=language.current,
        marks=MARKS,
        style=_own("report.css"),
        script=_own("report.js"),
        strip_key=strip.legend,
        words=words,
        said=sayings.said,
    )
    return made


def together(text: str) -> markupsafe.Markup:
    """The text, in which no line ends between a figure and its unit."""
    made = WITH_UNIT.sub(r'<span class="together">\g<0></span>', str(markupsafe.escape(text)))
    return markupsafe.Markup(made)  # noqa: S704 (the text is escaped)


def words() -> str:
    """What the page's script says, as JSON."""
    said = {name: language.translate(text) for name, text in WORDS.items()}
    return json.dumps({**said, "decimal": language.decimal(".")}, ensure_ascii=False)


def _own(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def draw(
    records: Sequence[tuple[Record, Path]], at: float | None = None, beside: Path | None = None
) -> str:
    """The report on one or more runs, each a judged record and the folder of its captures.

    The same records and captures give the same text. `at` adds the packets from that lab
    second on. A missing capture becomes a note on the page. `beside` is the folder that the
    page will be in, from which it links to captures; that of the first run if it is None.
    """
    many = len(records) > 1
    place = beside or records[0][1]
    runs = [
        contents.of(record, folder, f"run-{number}", compact=many, at=at, beside=place)
        for number, (record, folder) in enumerate(records, start=1)
    ]
    title = "echolab" if many else f"{records[0][0].scenario} — echolab"
    return environment().get_template("page.html.j2").render(runs=runs, title=title)
