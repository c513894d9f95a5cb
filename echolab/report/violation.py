"""The smallest part of a history that is not linearizable, as lines and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from echolab.history.linearizability import Dead, Result, Violation
from echolab.history.models import Model
from echolab.history.values import Operation, shown
from echolab.language import decimal
from echolab.language import translate as _
from echolab.report import svg

MOST = 40
"""How many operations of a part are drawn: the last ones."""

BAR, GAP, LEFT, WIDTH, RIGHT = 22, 10, 90, 720, 30
"""Pixels: a bar's height, the space between rows, the margins beside the bars, their width."""


def lines(result: Result, model: Model, width: int) -> list[str]:
    """What a check found, in lines of at most `width` columns."""
    counted = _("{count} operations").format(count=result.operations)
    if result.keys > 1:
        counted = _("{operations} on {keys} keys").format(operations=counted, keys=result.keys)
    said = _("linearizable") if result.linearizable else _("not linearizable")
    whole = _("{answer} as {model}: {counted}")
    found = [whole.format(answer=said, model=model.name, counted=counted)]
    for violation in result.violations:
        found += ["", *_violation(violation, model, width)]
    return found


def _violation(violation: Violation, model: Model, width: int) -> Iterator[str]:
    if violation.key is not None:
        yield _("key {key}:").format(key=shown(violation.key))
    states = f" {_('or')} ".join(model.shown(state) for state in violation.states)
    explained = _("up to {moment} there is an explanation; the {model} is then {states}")
    moment = decimal(f"{violation.held:g}")
    yield explained.format(moment=moment, model=model.name, states=states)
    yield _("what follows has none:")
    yield ""
    yield from bars(violation.part, width)
    yield ""
    for end in violation.ends:
        yield from _end(end, model)


def bars(operations: Sequence[Operation], width: int) -> Iterator[str]:
    """Operations as bars on a time line, one line each, of at most `width` columns."""
    part = operations[-MOST:]
    names = [operation.process for operation in part]
    room = max(width - max(map(len, names), default=0) - 4, 20)
    size = room // 2
    for operation in part:
        bar = "".join(_bar(operation, part, size))
        line = f"  {operation.process:>{max(map(len, names))}}  {bar}  {operation}"
        yield line[:width].rstrip()


def _span(part: Sequence[Operation]) -> tuple[float, float]:
    """When the first operation of a part begins, and when the last one ends."""
    moments = [one.invoked for one in part]
    moments += [one.completed for one in part if one.completed is not None]
    return min(moments), max(moments)


def _bar(operation: Operation, part: Sequence[Operation], size: int) -> Iterator[str]:
    begin, end = _span(part)
    scale = (size - 1) / (end - begin or 1)
    first = round((operation.invoked - begin) * scale)
    ended = operation.completed
    last = size - 1 if ended is None else round((ended - begin) * scale)
    for column in range(size):
        if column < first or column > last:
            yield " "
        elif first == last:
            yield "│"
        elif column == first:
            yield "├"
        else:
            yield ("┤" if ended is not None else "┄") if column == last else "─"


def _end(end: Dead, model: Model) -> Iterator[str]:
    order = ", ".join(f"{one.process}: {one}" for one in end.order[-4:]) or _("nothing")
    more = "…, " if len(end.order) > 4 else ""
    after = _("after {operations} it is {state}")
    yield "  " + after.format(operations=f"{more}{order}", state=model.shown(end.state))
    for one in end.refused:
        then = _("then {operation} contradicts it")
        yield "    " + then.format(operation=f"{one.process}: {one}")


def picture(violation: Violation, model: Model) -> str:
    """The part as an SVG file: a row with a bar for each operation, refused ones in red."""
    part = violation.part[-MOST:]
    begin, end = _span(part)
    scale = WIDTH / (end - begin or 1)
    refused = {one for dead in violation.ends for one in dead.refused}
    total, height = LEFT + WIDTH + RIGHT, (BAR + GAP) * len(part) + 2 * GAP
    found = [
        svg.title(_("{answer} as {model}").format(answer=_("not linearizable"), model=model.name))
    ]
    for row, one in enumerate(part):
        top = GAP + row * (BAR + GAP)
        left = LEFT + (one.invoked - begin) * scale
        right = LEFT + ((end if one.completed is None else one.completed) - begin) * scale
        colour = "#c0392b" if one in refused else "#4a6fa5"
        on_the_right = left > LEFT + WIDTH / 2
        found += [
            svg.text(one.process, x=8, y=top + 16),
            svg.element(
                "rect",
                x=left,
                y=top,
                width=max(right - left, 3.0),
                height=BAR,
                rx=3,
                fill=colour,
                fill_opacity=0.25,
                stroke=colour,
                stroke_dasharray="5 3" if one.completed is None else None,
            ),
            svg.text(
                str(one),
                x=total - 4 if on_the_right else left + 5,
                y=top + 16,
                text_anchor="end" if on_the_right else "start",
            ),
        ]
    whole = svg.element(
        "svg",
        *found,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {total} {height}",
        font_family="sans-serif",
        font_size=13,
        role="img",
    )
    return f"{whole}\n"
