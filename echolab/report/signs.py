"""The signs of a packet ladder: every kind of packet and every fate has its own shape."""

from __future__ import annotations

from collections.abc import Iterable

from echolab.report import svg

WIDE, HIGH = 40, 24
"""Pixels of a sample in a legend."""


def glyph(kind: str, x: float, y: float) -> str:
    """The sign at a packet's origin."""
    if kind in ("syn", "fin", "rst"):
        return svg.element(
            "g",
            svg.element("rect", x=x - 8, y=y - 8, width=16, height=16, rx=3, class_="badge"),
            svg.text({"syn": "S", "fin": "F", "rst": "R"}[kind], x=x, y=y + 4, class_="letter"),
        )
    if kind == "ack":
        return svg.element("circle", cx=x, cy=y, r=4.5, class_="hollow")
    if kind == "data":
        return svg.element("circle", cx=x, cy=y, r=6, class_="full")
    if kind == "again":
        return svg.element("path", d=f"M{x - 8:.1f} {y - 7:.1f}h16l-8 14z", class_="full")
    if kind == "datagram":
        return svg.element("path", d=f"M{x - 8:.1f} {y + 6:.1f}h16l-8 -13z", class_="full")
    return svg.element("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="hollow")


def cross(x: float, y: float) -> str:
    """The sign of a packet's death."""
    return svg.element("path", d=f"M{x - 8:.1f} {y - 8:.1f}l16 16m0 -16l-16 16", class_="cross")


def flash(x: float, y: float) -> str:
    """The sign of damage, at the arrowhead."""
    return svg.element("path", d=f"M{x - 3:.1f} {y - 11:.1f}l-5 11h9l-5 11", class_="flash")


def sample(kind: str) -> str:
    """A sign as a picture of its own, for a legend."""
    picture = svg.element("g", *_sample(kind), class_=kind)
    return svg.element(
        "svg", picture, viewBox=f"0 0 {WIDE} {HIGH}", width=WIDE, height=HIGH, aria_hidden="true"
    )


def _sample(kind: str) -> Iterable[str]:
    y = HIGH / 2
    if kind == "cross-sample":
        yield cross(20, y)
    elif kind == "unseen-sample":
        yield svg.text("?", x=20, y=y + 6, class_="unseen")
    elif kind == "flash-sample":
        yield flash(20, y)
    elif kind == "join-sample":
        yield svg.element("path", d=f"M2 {y - 6}c8 14 26 -2 36 10", class_="join")
    elif kind == "twice-sample":
        yield svg.element("line", x1=2, y1=y, x2=38, y2=y, class_="way twice")
    elif kind == "bar-sample":
        yield svg.element("rect", x=17, y=y - 9, width=6, height=18, rx=3, class_="bar")
    else:
        yield svg.element("line", x1=2, y1=y, x2=38, y2=y, class_="way")
        yield glyph(kind, 20, y)
