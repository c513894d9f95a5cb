"""Elements of SVG as text: names, attributes and content, everything escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping

Value = str | float | int

NONE: Mapping[str, str] = {}


def text_of(value: Value) -> str:
    """An attribute's value: coordinates to a hundredth of a pixel, without needless digits."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return html.escape(str(value), quote=True)


def element(tag: str, *children: str, **attributes: Value | None) -> str:
    """An element; `children` are markup, attributes that are None are left out.

    An underscore in an attribute's name stands for a hyphen; `class_` is `class`.
    """
    words = [
        f' {name.rstrip("_").replace("_", "-")}="{text_of(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    inside = "".join(children)
    return f"<{tag}{''.join(words)}>{inside}</{tag}>" if inside else f"<{tag}{''.join(words)}/>"


def text(content: str, **attributes: Value | None) -> str:
    """A text element; the content is shown as it is, whatever it holds."""
    return element("text", html.escape(content, quote=False), **attributes)


def title(content: str) -> str:
    """The text that a pointer over an element shows, or a screen reader reads out."""
    return element("title", html.escape(content, quote=False))


def image(
    width: float,
    height: float,
    name: str,
    *children: str,
    class_: str = "",
    role: str = "img",
    variables: Mapping[str, str] = NONE,
    data: Mapping[str, str] = NONE,
) -> str:
    """An SVG image with a text alternative; the role `group` is for one with focusable parts.

    `variables` go to the style sheet, as does the natural width; `data` goes to the script.
    """
    style = [f"--natural:{round(width)}px"]
    style += [f"--{key}:{value}" for key, value in variables.items()]
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {text_of(width)} {text_of(height)}",
        role=role,
        aria_label=name,
        class_=class_ or None,
        style=";".join(style),
        **{f"data_{key}": value for key, value in data.items()},
    )
