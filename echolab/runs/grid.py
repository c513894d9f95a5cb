"""The grid of a sweep: which parameters vary, over which values; values only."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from echolab.errors import BadInput

NUMBER = re.compile(r"\s*([-+]?[0-9.]+(?:[eE][-+]?\d+)?)\s*([^0-9\s]*)\s*")
"""A number, and a unit after it."""

MOST = 1_000_000
"""The most points of a grid."""


@dataclasses.dataclass(frozen=True)
class Axis:
    """A parameter that varies, and its values as `--set` takes them."""

    parameter: str
    values: tuple[str, ...]


def axis(text: str) -> Axis:
    """The axis that `KEY=START:END:STEP` or `KEY=VALUE,VALUE,…` says; both may be mixed.

    The end is one of the values if a whole number of steps leads there. Raises BadInput for
    anything else.
    """
    name, equals, said = text.partition("=")
    values: list[str] = []
    for part in said.split(","):
        values += _range(text, part) if part.count(":") == 2 else [part.strip()]
    if not equals or not name or "" in values:
        raise BadInput(
            f"--over {text} is neither KEY=START:END:STEP nor KEY=VALUE,VALUE",
            "for example --over loss=0:0.5:0.05 or --over delay=10ms,50ms",
        )
    return Axis(name, tuple(dict.fromkeys(values)))


def _range(text: str, part: str) -> list[str]:
    """The values from a start to an end; exact, since numbers are added in decimal."""
    found = [NUMBER.fullmatch(word) for word in part.split(":")]
    try:
        start, end, step = (Decimal(one[1]) for one in found if one)
    except (ValueError, InvalidOperation):
        raise BadInput(f"--over {text}: '{part}' has no three numbers", "START:END:STEP") from None
    units = [one[2] for one in found if one and one[2]]
    if step == 0 or (end - start) / step < 0 or len(set(units)) > 1:
        raise BadInput(f"--over {text}: no steps lead from the start to the end", "START:END:STEP")
    count = int((end - start) / step) + 1
    if count > MOST:
        raise BadInput(f"--over {text} has {count} values", "take larger steps")
    unit = units[0] if units else ""
    return [f"{(start + number * step).normalize():f}{unit}" for number in range(count)]


def points(axes: Sequence[Axis]) -> Iterator[Mapping[str, str]]:
    """Every point of the grid, the last axis varying fastest. Raises BadInput for a name twice."""
    names = [one.parameter for one in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BadInput(f"--over {twice} stands twice", "name each parameter once")
    for values in itertools.product(*(one.values for one in axes)):
        yield dict(zip(names, values, strict=True))
