"""What a run says of itself, and what errors say, in the language of whoever reads it.

A record is in English: its claims and its conclusion are sentences in which figures stand. So is an
error. This finds the template from which such a sentence was made, and fills the template's
translation.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable
from pathlib import Path

from echolab.language import CATALOGUES, current, decimal, translate

TEMPLATES = CATALOGUES / "sayings.txt"
"""The templates, one a line; `{0}`, `{1}` … stand where a figure or another word does."""

ERRORS = CATALOGUES / "errors.txt"
"""Those of the messages and the remedies of errors."""


def said(text: str) -> str:
    """The sentence in the language that is spoken; as it is where no template fits.

    Of several templates that fit, the one with the most words of its own is taken.
    """
    if current() == "en" or not text:
        return text
    return _spoken(text, TEMPLATES, _filled)


def error(text: str) -> str:
    """The message or the remedy of an error, likewise; names and figures in it stay."""
    if current() == "en" or " " not in text:
        return text
    return _spoken(text, ERRORS, error)


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
    if text[:1].isdigit():
        return decimal(text)
    return ", ".join(said(words) for words in text.split(", "))


@functools.cache
def _patterns(file: Path) -> list[tuple[str, re.Pattern[str]]]:
    templates = file.read_text(encoding="utf-8").splitlines()
    open_ones = [(one, _pieces(one)) for one in templates if "{0}" in one]
    open_ones.sort(key=lambda pair: -sum(map(len, pair[1])))
    return [
        (one, re.compile("(.+)".join(map(re.escape, parts)), re.DOTALL)) for one, parts in open_ones
    ]


def _pattern(parts: list[str]) -> re.Pattern[str]:
    return re.compile("(.+)".join(map(re.escape, parts)), re.DOTALL)


def _pieces(template: str) -> list[str]:
    """The words of a template between its places, whose numbers count up from 0."""
    found = [""]
    for literal, field, _, _ in string.Formatter().parse(template):
        found[-1] += literal
        if field is not None:
            found.append("")
    return found
