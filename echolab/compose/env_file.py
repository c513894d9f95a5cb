"""Files of environment variables: `.env`, and those that `env_file` names.

By hand: python-dotenv reads these files differently from Compose (it knows neither
`$NAME` without braces nor `:?`, and keeps a `#` that Compose takes for a comment).

Source: Compose Specification, 05-services.md, "Env_file format"; compose-go's dotenv.
"""

from __future__ import annotations

import re

from echolab.compose.interpolation import Lookup, NotValid, substitute
from echolab.compose.tree import At, Place, short

KEY = re.compile(r"(?:export[ \t]+)?([A-Za-z0-9_.\-\[\]]+)[ \t]*(=|:|$)[ \t]*")
ESCAPE = re.compile(r"\\([abcfnrtv$\"\\]|0[0-7]{0,3})")
ESCAPES = {
    "a": "\a",
    "b": "\b",
    "c": "",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "$": "$$",
    '"': '"',
    "\\": "\\",
}


def parse(raw: bytes, file: str, lookup: Lookup) -> dict[str, str | None]:
    """The variables of a file, in its order; None for a name without value that `lookup` lacks.

    A value may use variables from `lookup` and those above it in the file; nothing is replaced
    within single quotation marks. Raises BadInput with the line.
    """
    text = _text(raw, file)
    found: dict[str, str | None] = {}

    def known(name: str) -> str | None:
        value = lookup(name)
        return found.get(name) if value is None else value

    at = 0
    while at < len(text):
        end = _end(text, at, "\n")
        line = text[at:end]
        here = At(Place(file, text.count("\n", 0, at) + 1))
        if not line.strip() or line.lstrip().startswith("#"):
            at = end + 1
            continue
        indent = len(line) - len(line.lstrip())
        key = KEY.match(line, indent)
        if key is None:
            raise here.bad(f"{short(line.strip())} is not NAME=VALUE", "write it so, or '#' first")
        start = at + key.end()
        if not key[2]:
            found[key[1]] = known(key[1])
            at = end + 1
            continue
        try:
            value, at = _value(text, start, known)
        except NotValid as error:
            raise here.bad(f"{key[1]}: {error}", "fix that line") from None
        found[key[1]] = value
    return found


def parse_raw(raw: bytes, file: str) -> dict[str, str | None]:
    """The variables of a file of `format: raw`: the value is everything after `=`."""
    found: dict[str, str | None] = {}
    for number, line in enumerate(_text(raw, file).splitlines(), 1):
        name, equals, value = line.lstrip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or " " in name:
            where = At(Place(file, number))
            raise where.bad(f"{short(line)} is not NAME=VALUE", "write it so, or '#' first")
        found[name] = value
    return found


def _text(raw: bytes, file: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise At(Place(file, line)).bad("not UTF-8", "save it as UTF-8") from None
    return text.replace("\r\n", "\n")


def _end(text: str, start: int, mark: str) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found


def _value(text: str, start: int, lookup: Lookup) -> tuple[str, int]:
    """The value that begins at `start`, and the index after it."""
    mark = text[start : start + 1]
    if mark not in ("'", '"') or not mark:
        end = _end(text, start, "\n")
        bare = re.split(r"(?:^|\s)#", text[start:end], maxsplit=1)[0].rstrip()
        return substitute(bare, lookup), end + 1
    end = start + 1
    while end < len(text) and text[end] != mark:
        end += 2 if text[end] == "\\" and mark == '"' else 1
    if end >= len(text):
        raise NotValid(f"no closing {mark}")
    inside = text[start + 1 : end]
    if mark == '"':
        inside = substitute(ESCAPE.sub(_escaped, inside), lookup)
    rest = _end(text, end, "\n")
    left = text[end + 1 : rest].strip()
    if left and not left.startswith("#"):
        raise NotValid(f"{short(left)} behind the closing {mark}")
    return inside, rest + 1


def _escaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "0":
        return chr(int(code, 8) & 0xFF)
    return ESCAPES[code]
