"""What runs and cases say, and what errors say, in the language of whoever reads it.

A record is in English: its claims and its conclusion are sentences in which figures stand, and so
are the steps and the expectations of an exercise's case. So is an error. This finds the template
from which such a sentence was made, and fills the template's translation.
"""

from __future__ import annotations

import functools
import itertools
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

from echolab.language import CATALOGUES, current, decimal, translate

TEMPLATES = CATALOGUES / "sayings.txt"
"""The templates, one a line; `{0}`, `{1}` … stand where a figure or another word does."""

CASES = CATALOGUES / "cases.txt"
"""Those of the exercises' cases."""

ERRORS = CATALOGUES / "errors.txt"
"""Those of the messages and the remedies of errors."""

FIGURE = re.compile(r"-?\d+(\.\d+)?(e[-+]\d+)?( ?[^\s\d.]\S*)?")
"""A figure, with its unit if it has one; an address is none."""

DATA = re.compile(r"b(['\"]).*\1", re.DOTALL)
"""Bytes that somebody sent, as a step shows them."""

ALONE = frozenset({"bound", "linearizable", "listening", "never", "nothing"})
"""Single words that are a case's own; any other is a name, or what a program said."""

PLACES = 6
"""How many parts may stand before what an error says: what is longer is a program's own output."""


def said(text: str) -> str:
    """The sentence in the language that is spoken; as it is where no template fits.

    Of several templates that fit, the one with the most words of its own is taken. What judges
    and checks say has the form of errors.
    """
    if current() == "en" or not text:
        return text
    spoken = _spoken(text, _filled, TEMPLATES)
    return _told(text, _filled) if spoken == text else spoken


def of_case(text: str) -> str:
    """What a case did, expected or saw, likewise; names and what programs said stay.

    Each of several sentences ("…; …") is translated by itself, and so is what stands on either side
    of a colon.
    """
    if current() == "en" or (" " not in text and text not in ALONE):
        return text
    spoken = _spoken(text, _in_case, CASES, ERRORS)
    if spoken != text:
        return spoken
    if FIGURE.fullmatch(text):
        return decimal(text)
    for mark in ("; ", ": "):
        first, found, behind = text.partition(mark)
        if found:
            return f"{of_case(first)}{_behind(mark, behind)}"
    return text


def _behind(mark: str, text: str) -> str:
    """What a case tells behind a mark; some words of errors begin with theirs."""
    spoken = _spoken(mark + text, _in_case, ERRORS)
    return spoken if spoken != mark + text else mark + of_case(text)


def _in_case(text: str) -> str:
    """What stands in a template of a case: a figure, bytes, a name, or sentences of the case."""
    if DATA.fullmatch(text):
        return text
    spoken = of_case(text)
    if spoken == text and FIGURE.fullmatch(text):
        return decimal(text)
    return ", ".join(map(of_case, text.split(", "))) if spoken == text else spoken


def error(text: str) -> str:
    """The message or the remedy of an error, or a warning, likewise; names and figures stay.

    A place before it ("compose.yaml:3: services.a: …") stays too, and each of several sentences
    ("…; …") is translated by itself.
    """
    return text if current() == "en" else _told(text, _within)


def _told(text: str, filled: Callable[[str], str]) -> str:
    if " " not in text:
        return text
    whole = _spoken(text, filled, ERRORS)
    if whole != text:
        return whole
    if "; " in text:
        first, *others = text.split("; ")
        return _told(first, filled) + "".join(_next(one, filled) for one in others)
    for colon in itertools.islice(re.finditer(": ", text), PLACES):
        behind = text[colon.end() :]
        spoken = _spoken(behind, filled, ERRORS)
        if spoken != behind:
            return f"{_told(text[: colon.start()], filled)}: {spoken}"
    return text


def _next(text: str, filled: Callable[[str], str]) -> str:
    """A sentence behind others, which may have a template of its own there."""
    whole = f"; {text}"
    spoken = _spoken(whole, filled, ERRORS)
    return f"; {_told(text, filled)}" if spoken == whole else spoken


def _within(text: str) -> str:
    """What stands in an error's template: an error of its own, or words of others, which stay."""
    kinds = text.split(" or ")
    known = [translate(kind) for kind in kinds]
    if len(kinds) > 1 and known != kinds and not any(" " in one for one in kinds if one in known):
        return translate(" or ").join(known)
    return error(text)


def _spoken(text: str, filled: Callable[[str], str], *files: Path) -> str:
    whole = translate(text)
    if whole != text:
        return whole
    for template, pattern in _patterns(*files):
        if found := pattern.fullmatch(text):
            return translate(template).format(*_places(found, filled))
    return text


def _places(found: re.Match[str], filled: Callable[[str], str]) -> Iterator[str]:
    """What stands in a template's places; between quotation marks it is a program's, and stays."""
    for number, words in enumerate(found.groups(), 1):
        around = found.string[: found.start(number)][-1:] + found.string[found.end(number) :][:1]
        yield words if around == "''" else filled(words)


def _filled(text: str) -> str:
    """What stands in a template: a figure with the language's comma, or words of their own."""
    if FIGURE.fullmatch(text):
        return decimal(text)
    spoken = ", ".join(said(words) for words in text.split(", "))
    return _within(text) if spoken == text else spoken


@functools.cache
def _patterns(*files: Path) -> list[tuple[str, re.Pattern[str]]]:
    templates = [one for file in files for one in file.read_text(encoding="utf-8").splitlines()]
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
