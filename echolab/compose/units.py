"""Values that a Compose file writes with units or in words: durations, sizes, numbers, commands.

By hand: shlex treats a backslash and `&&` differently from the Compose command's splitter, and
no library that this project has seen parses Go's durations.

Source: Compose Specification, 11-extension.md, "Specifying durations", "Specifying byte
values"; Go's time.ParseDuration; docker/go-units' RAMInBytes; mattn/go-shellwords.
"""

from __future__ import annotations

import decimal
import math
import re
from typing import Any

from echolab.compose.tree import short

SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w)")
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)
TRUE = {"true", "y", "yes", "on", "1", "t"}
ESCAPED = {"t": "\t", "n": "\n"}
FALSE = {"false", "n", "no", "off", "0", "f"}


class NotValid(ValueError):
    """A value that does not suit its key; the message says what it should be."""


def seconds(value: Any) -> float:
    """A duration such as `1m30s`, in seconds. Raises NotValid."""
    text = str(value).strip()
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.lstrip("+-")
    if rest == "0":
        return 0.0
    total, at = 0.0, 0
    while found := PART.match(rest, at):
        total += float(found[1]) * SECONDS[found[2]]
        at = found.end()
    if not rest or at != len(rest) or sign < 0:
        raise NotValid(f"{short(value)} is not a duration such as 1m30s or 500ms")
    return round(total, 9)


def size(value: Any) -> int:
    """A number of bytes, such as 67108864 or `64m` (units of 1024). Raises NotValid."""
    found = SIZE.fullmatch(_number_text(value))
    if found is None:
        raise NotValid(f"{short(value)} is not a size such as 64m or 1g")
    power = " kmgtp".index(found[2].lower() or " ")
    return int(float(found[1]) * 1024**power)


def whole(value: Any, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number from `least` to `most`, also one in text. Raises NotValid."""
    text = _number_text(value)
    if isinstance(value, bool) or not re.fullmatch(r"[-+]?[0-9]{1,19}", text):
        raise NotValid(f"{short(value)} is not a whole number")
    number = int(text)
    if not least <= number <= most:
        raise NotValid(f"{number} is not from {least} to {most}")
    return number


def number(value: Any) -> float:
    """A number of at least 0, also one in text. Raises NotValid."""
    try:
        found = float(_number_text(value))
    except ValueError:
        found = math.nan
    if isinstance(value, bool) or not 0 <= found < math.inf:
        raise NotValid(f"{short(value)} is not a number of at least 0")
    return found


def truth(value: Any) -> bool:
    """A boolean, also as text; Compose accepts YAML 1.1's words, too."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise NotValid(f"{short(value)} is neither true nor false")


def _number_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def text(value: Any) -> str:
    """A scalar as Compose writes it where text is expected: 1.10 as `1.1`, true as `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    """A floating-point number as Go's %v writes it: 1.1, but 1e+06."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = exponent + len(digits) - 1
    if value == 0 or -4 <= power < 6:
        return repr(value).removesuffix(".0") if "e" not in repr(value) else f"{value:f}"
    mantissa = "".join(map(str, digits))
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' * sign}{mantissa[0]}{point}e{'-' if power < 0 else '+'}{abs(power):02d}"


WORD = re.compile(
    r"""(?P<blank>[ \t\r\n]+)|\\(?P<escaped>.)|'(?P<raw>[^']*)'|"(?P<quoted>(?:[^"\\]|\\.)*)"|"""
    r"""(?P<sign>[;&|<>()`])|(?P<plain>[^\s;&|<>()`'"\\]+)""",
    re.DOTALL,
)


def words(line: str) -> list[str]:
    """The words of a command that is written as one text, split as the Compose command does.

    Compose runs no shell: it would drop what follows a `&&`, `|`, `;` or `>`, and refuses
    parentheses and backquotes. Raises NotValid for all of these.
    """
    found: list[str] = []
    word: str | None = None
    at = 0
    while at < len(line):
        part = WORD.match(line, at)
        if part is None:
            raise NotValid(f"no closing {line[at]}" if line[at] in "'\"" else "it ends with \\")
        at = part.end()
        kind = part.lastgroup
        if kind == "blank":
            if word is not None:
                found.append(word)
            word = None
            continue
        if kind == "sign":
            raise NotValid(f"Compose runs no shell, so '{part[kind]}' means nothing in it")
        assert kind is not None
        text = part[kind]
        if kind == "escaped":
            text = ESCAPED.get(text, text)
        elif kind == "quoted":
            text = re.sub(r"\\(.)", lambda it: ESCAPED.get(it[1], it[1]), text, flags=re.DOTALL)
        word = (word or "") + text
    return found if word is None else [*found, word]
