"""Tables for a terminal: columns are dropped if there is no room; no word is ever broken."""

from __future__ import annotations

import dataclasses
import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from echolab.language import translate as _

EDGE, GAP = " ", "   "
"""The text before a table's first column, and between two columns."""

LEAST = 12
"""The fewest letters of a text that is shortened or continues below."""

MORE = "…"
"""The end of a text that was shortened."""


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    If there is no room, the columns of the highest `rank` are dropped first; those of rank 0 stay.
    A text that is too long continues below (`wrap`), is shortened after a word (`cut`), or needs
    its whole width (`whole`).
    """

    heading: str
    rank: int = 0
    long: Literal["wrap", "cut", "whole"] = "wrap"


@dataclasses.dataclass(frozen=True)
class _Placed:
    """A column with its cells; `width` is what the table gives it."""

    column: Column
    cells: tuple[str, ...]
    width: int = 0

    @property
    def natural(self) -> int:
        """The width of its longest text."""
        return max(map(len, (self.column.heading, *self.cells)))

    @property
    def least(self) -> int:
        """The width below which a word would have to be broken."""
        texts = (self.column.heading, *self.cells)
        if self.column.long == "whole":
            return self.natural
        if self.column.long == "cut":
            return max(len(self.column.heading), min(LEAST, self.natural))
        return max(len(word) for text in texts for word in (text.split() or [""]))

    @property
    def figures(self) -> bool:
        """Whether it has figures, which are aligned on the right."""
        return bool(self.cells) and all(cell[:1].isdigit() or cell == "—" for cell in self.cells)

    @property
    def tells_nothing(self) -> bool:
        """Whether each of its cells is zero or empty."""
        return all(cell in ("0", "", "—") for cell in self.cells)


def table(headings: Sequence[str | Column], rows: Iterable[Sequence[str]], width: int) -> str:
    """A table between two empty lines that fits in `width` columns.

    A heading that is plain text belongs to a column that always stays.
    """
    body = [[str(cell) for cell in row] for row in rows]
    columns = [Column(one) if isinstance(one, str) else one for one in headings]
    columns = [dataclasses.replace(one, heading=_(one.heading)) for one in columns]
    cells = list(zip(*body, strict=True)) if body else [()] * len(columns)
    found = [_Placed(column, of) for column, of in zip(columns, cells, strict=True)]
    placed = _fitted(found, width)
    size = sum(one.width for one in placed) + len(GAP) * (len(placed) - 1)
    lines = [*_lines(placed, [one.column.heading for one in placed]), EDGE + "─" * size]
    for number in range(len(body)):
        lines += _lines(placed, [one.cells[number] for one in placed])
    return "\n".join(["", *lines, ""])


def _fitted(columns: Sequence[_Placed], width: int) -> list[_Placed]:
    """The columns that there is room for, each with its width."""
    kept = list(columns)
    while True:
        room = width - len(EDGE) - len(GAP) * (len(kept) - 1)
        if sum(one.least for one in kept) <= room:
            break
        # Columns that tell nothing go first, then those that matter least, the rightmost first.
        leaving = [one for one in kept if one.column.rank]
        if not leaving:
            break
        kept.remove(
            max(leaving, key=lambda one: (one.tells_nothing, one.column.rank, kept.index(one)))
        )
    widths = [one.natural for one in kept]
    least = [one.least for one in kept]
    while sum(widths) > room:
        slack = [place for place, size in enumerate(widths) if size > least[place]]
        places = slack or [place for place, size in enumerate(widths) if size > 1]
        if not places:
            break
        widest = max(places, key=lambda place: widths[place])
        widths[widest] -= 1
    return [dataclasses.replace(one, width=size) for one, size in zip(kept, widths, strict=True)]


def _lines(columns: Sequence[_Placed], texts: Sequence[str]) -> Iterator[str]:
    """A row of the table; its texts may continue below."""
    parts = [_parts(text, one) for text, one in zip(texts, columns, strict=True)]
    for line in itertools.zip_longest(*parts, fillvalue=""):
        cells = (
            part.rjust(one.width) if one.figures else part.ljust(one.width)
            for part, one in zip(line, columns, strict=True)
        )
        yield f"{EDGE}{GAP.join(cells)}".rstrip()


def _parts(text: str, column: _Placed) -> list[str]:
    if column.column.long == "wrap":
        parts = textwrap.wrap(
            text, column.width, break_long_words=False, break_on_hyphens=False
        ) or [""]
    else:
        parts = [text]
    return [shortened(part, column.width) for part in parts]


def shortened(text: str, width: int) -> str:
    """A text of at most `width` letters: cut after a word if possible, and marked as cut."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    head = text[: max(0, width - len(MORE)) + 1]
    words, space, _ = head.rpartition(" ")
    return (words if space else head[:-1]) + MORE
