"""Prints docs/api.md, the whole public interface, from the signatures and docstrings.

python docs/api.py > docs/api.md
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Iterator

import echolab

HEAD = """\
# The public interface

What `from echolab import …` gives to a scenario's script. Everything else is the lab's own and
may change without notice. The package is typed: `mypy --strict` checks a script against it.

This page is made from the docstrings: `python docs/api.py > docs/api.md`.
"""

LONGEST = 76
"""Columns that a signature has before it is broken into lines."""

FIRST = ("scenario", "Lab", "Link")
"""What nearly every script needs; the others follow by name."""


def page() -> str:
    """The page as Markdown."""
    names = [*FIRST, *sorted(set(echolab.__all__) - set(FIRST) - {"__version__"}, key=str.lower)]
    parts = [HEAD, *(part for name in names for part in described(name, getattr(echolab, name)))]
    parts += ["## `__version__`\n", "The version of this echolab, a text.\n"]
    return "\n".join(parts)


def described(name: str, value: object) -> Iterator[str]:
    """A public name: its heading, its signature, what it is, and its members."""
    if typing.get_origin(value) is typing.Literal:
        yield f"## `{name}`\n"
        yield f"One of {', '.join(f'`{word!r}`' for word in typing.get_args(value))}.\n"
        return
    yield f"## `{name}`\n"
    if inspect.isclass(value):
        if dataclasses.is_dataclass(value):
            yield code(f"{name}{signature(value)}")
        yield f"{inspect.getdoc(value)}\n"
        for member in members(value):
            yield from described_member(name, member, inspect.getattr_static(value, member))
    else:
        assert callable(value)
        for form in typing.get_overloads(value) or [value]:
            yield code(f"{name}{signature(form)}")
        yield f"{inspect.getdoc(value)}\n"


def described_member(owner: str, name: str, member: object) -> Iterator[str]:
    """A method or property of a public class."""
    if isinstance(member, property):
        assert member.fget is not None
        kind = inspect.signature(member.fget).return_annotation
        yield f"### `{owner}.{name}: {kind}`\n"
    else:
        assert inspect.isfunction(member)
        yield f"### `{owner}.{name}`\n"
        yield code(f"{name}{signature(member)}")
    yield f"{inspect.getdoc(member)}\n"


def members(kind: type) -> list[str]:
    """The public methods and properties of a class, in the order of their source."""
    found: dict[str, tuple[str, int]] = {}
    for base in kind.__mro__:
        if not base.__module__.startswith("echolab"):
            continue
        for name, member in vars(base).items():
            function = member.fget if isinstance(member, property) else member
            if not name.startswith("_") and inspect.isfunction(function):
                place = (base.__module__, function.__code__.co_firstlineno)
                found.setdefault(name, place)
    order = [base.__module__ for base in kind.__mro__]
    return sorted(found, key=lambda name: (order.index(found[name][0]), found[name][1]))


def signature(function: Callable[..., object]) -> str:
    """The signature of a function or class without `self`, one parameter a line if long."""
    whole = inspect.signature(function)
    parts = list(parameters(one for one in whole.parameters.values() if one.name != "self"))
    returned = "" if inspect.isclass(function) else f" -> {whole.return_annotation}"
    line = f"({', '.join(parts)}){returned}"
    if len(line) <= LONGEST:
        return line
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){returned}"


def parameters(found: Iterable[inspect.Parameter]) -> Iterator[str]:
    """Each parameter as its source has it, with the signs between their kinds."""
    kind: int = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for one in found:
        if one.kind == one.KEYWORD_ONLY and kind < one.VAR_POSITIONAL:
            yield "*"
        kind = one.kind
        star = "*" if kind == one.VAR_POSITIONAL else ""
        default = "" if one.default is one.empty else f" = {shown(one.default)}"
        yield f"{star}{one.name}: {one.annotation}{default}"
    if kind == inspect.Parameter.POSITIONAL_ONLY:
        yield "/"


def shown(default: object) -> str:
    """A default as its source has it."""
    if isinstance(default, str):
        return json.dumps(default)
    return "{}" if repr(default) == "<factory>" else repr(default)


def code(text: str) -> str:
    """A block of Python."""
    return f"```python\n{text}\n```\n"


if __name__ == "__main__":
    print(page(), end="")
