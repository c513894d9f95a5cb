"""Variables in the values of a Compose file: `$NAME`, `${NAME:-default}` and the other forms.

By hand: `string.Template` and `os.path.expandvars` know no form with a default, and
python-dotenv knows `:-` alone.

Source: Compose Specification, 12-interpolation.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from echolab.compose.tree import short

Lookup = Callable[[str], str | None]
"""Returns the value of a variable, None if it is not set."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OPERATOR = re.compile(r":?[-+?]")

DEEPEST = 50
"""How deep variables may be nested within defaults."""


class NotValid(ValueError):
    """A text whose variables cannot be replaced; the message says why."""


def substitute(text: str, lookup: Lookup, unset: Callable[[str], None] = lambda _name: None) -> str:
    """The text with its variables replaced and each `$$` as `$`.

    `unset` is called with each variable that has neither a value nor a default; it counts as empty.
    Raises NotValid for an unknown form, and for a `${NAME:?reason}` without a value.
    """
    return _substitute(text, lookup, unset, 0)


def _substitute(text: str, lookup: Lookup, unset: Callable[[str], None], depth: int) -> str:
    if "$" not in text:
        return text
    if depth > DEEPEST:
        raise NotValid(f"more than {DEEPEST} variables within one another")
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        if text.startswith("$$", dollar):
            parts.append("$")
            at = dollar + 2
        elif text.startswith("${", dollar):
            end = _closing_brace(text, dollar)
            parts.append(_braced(text[dollar + 2 : end], lookup, unset, depth))
            at = end + 1
        elif found := NAME.match(text, dollar + 1):
            parts.append(_value(found[0], lookup, unset))
            at = found.end()
        else:
            raise NotValid(f"{short(text)} has a '$' that begins no variable")
    parts.append(text[at:])
    return "".join(parts)


def _closing_brace(text: str, start: int) -> int:
    """The index of the brace that closes the variable that begins at `start`."""
    depth = 0
    at = start
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 2
            continue
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise NotValid(f"{short(text)} has a '${{' without its '}}'")


def _braced(inside: str, lookup: Lookup, unset: Callable[[str], None], depth: int) -> str:
    found = NAME.match(inside)
    if found is None:
        raise NotValid(f"{short('${' + inside + '}')} does not begin with a variable's name")
    name = found[0]
    if found.end() == len(inside):
        return _value(name, lookup, unset)
    operator = OPERATOR.match(inside, found.end())
    if operator is None:
        raise NotValid(f"{short('${' + inside + '}')} is not a form that Compose knows")
    word = inside[operator.end() :]
    value = lookup(name)
    has = value is not None and (value != "" or not operator[0].startswith(":"))

    def other() -> str:
        return _substitute(word, lookup, unset, depth + 1)

    match operator[0][-1]:
        case "-":
            return value if has and value is not None else other()
        case "+":
            return other() if has else ""
    if has and value is not None:
        return value
    raise NotValid(f"the variable {name} has no value: {other()}")


def _value(name: str, lookup: Lookup, unset: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        unset(name)
        return ""
    return value
