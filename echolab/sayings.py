"""What a run says of itself, and what errors say, in the language of whoever reads it.

A record is in English: its claims and its conclusion are sentences in which figures stand. So is an
error. This finds the template from which such a sentence was made, and fills the template's
translation.
"""

from __future__ import annotations

import functools
import itertools
import re
import string
from collections.abc import Callable
from pathlib import Path

from echolab.language import CATALOGUES, current, decimal, translate

TEMPLATES = CATALOGUES / "sayings.txt"
"""The templates, one a line; `{0}`, `{1}` … stand where a figure or another word does."""

ERRORS = CATALOGUES / "errors.txt"
"""Those of the messages and the remedies of errors."""

FIGURE = re.compile(r"-?\d+(\.\d+)?(e[-+]\d+)?( ?\S+)?")
"""A figure, with its unit if it has one; an address is none."""

PLACES = 6
"""How many parts may stand before what an error says: what is longer is a program's own output."""


def said(text: str) -> str:
    """The sentence in the language that is spoken; as it is where no template fits.

    Of several templates that fit, the one with the most words of its own is taken. What judges
    and checks say has the form of errors.
    """
    if current() == "en" or not text:
        return text
    spoken = _spoken(text, TEMPLATES, _filled)
    return _told(text, _filled) if spoken == text else spoken


def error(text: str) -> str:
    """The message or the remedy of an error, or a warning, likewise; names and figures stay.

    A place before it ("compose.yaml:3: services.a: …") stays too, and each of several sentences
    ("…; …") is translated by itself.
    """
    return text if current() == "en" else _told(text, _within)


def _told(text: str, filled: Callable[[str], str]) -> str:
    if " " not in text:
        return text
    whole = _spoken(text, ERRORS, filled)
    if whole != text:
        return whole
    if "; " in text:
        first, *others = text.split("; ")
        return _told(first, filled) + "".join(_next(one, filled) for one in others)
    for colon in itertools.islice(re.finditer(": ", text), PLACES):
        behind = text[colon.end() :]
        spoken = _spoken(behind, ERRORS, filled)
        if spoken != behind:
            return f"{_told(text[: colon.start()], filled)}: {spoken}"
    return text


def _next(text: str, filled: Callable[[str], str]) -> str:
    """A sentence behind others, which may have a template of its own there."""
    whole = f"; {text}"
    spoken = _spoken(whole, ERRORS, filled)
    return f"; {_told(text, filled)}" if spoken == whole else spoken


def _within(text: str) -> str:
    """What stands in an error's template: an error of its own, or words of others, which stay."""
    kinds = text.split(" or ")
    known = [translate(kind) for kind in kinds]
    if len(kinds) > 1 and known != kinds and not any(" " in one for one in kinds if one in known):
        return translate(" or ").join(known)
    return error(text)


def _spoken(text: str, templates: Path, filled: Callable[[str], str]) -> str:
    whole = translate(text)
    if whole != text:
        return whole
    for template, pattern in _patterns(templates):
        if found := pattern.fullmatch(text):
            return translate(template).format(*map(filled, found.groups()))
    return text


def _filled(text: str) -> str:
    """What stands in a template: a figure with the language's comma, or words of their own."""
    if FIGURE.fullmatch(text):
        return decimal(text)
    spoken = ", ".join(said(words) for words in text.split(", "))
    return _within(text) if spoken == text else spoken


@functools.cache
def _patterns(file: Path) -> list[tuple[str, re.Pattern[str]]]:
    templates = file.read_text(encoding="utf-8").splitlines()
    open_ones = [(one, _pieces(one)) for one in templates if "{0}" in one]
    open_ones.sort(key=lambda pair: -sum(map(len, pair[1])))
    return [
        (one, re.compile("(.*)".join(map(re.escape, parts)), re.DOTALL)) for one, parts in open_ones
    ]


def _pieces(template: str) -> list[str]:
    """The words of a template between its places, whose numbers count up from 0."""
    found = [""]
    for literal, field, _, _ in string.Formatter().parse(template):
        found[-1] += literal
        if field is not None:
            found.append("")
    return found
