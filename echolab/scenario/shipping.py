"""A function of a script, with what it uses, as data that a program on a host can run.

Strategy: the source of the function is sent, not its code, since a host may have another Python.
Its first line gives its place in the script. Of the names that it uses, functions of the same
script are sent in the same way, modules by their names, and plain values as they are.
"""

from __future__ import annotations

import _ast
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from echolab.errors import BadInput
from echolab.scenario.rounds import KEPT, ONLY_TREE

PLAIN = (bool, int, float, str, type(None))


def shipped(operation: Callable[..., Any]) -> dict[str, object]:
    """What `echo_app.workload` needs to call a function: all its fields but those of the clients.

    Raises BadInput for anything but a function in a file, and if it uses what cannot be sent.
    """
    if not isinstance(operation, types.FunctionType):
        raise BadInput("an operation must be a function of the script", "write it with def")
    functions: dict[str, types.FunctionType] = {}
    values: dict[str, object] = {}
    modules: dict[str, str] = {}
    _gather(operation, functions, values, modules)
    sources = [_source(one) for one in reversed(functions.values())]
    return {
        "operation": operation.__name__,
        "functions": sources,
        "values": values,
        "modules": modules,
    }


def _gather(
    function: types.FunctionType,
    functions: dict[str, types.FunctionType],
    values: dict[str, object],
    modules: dict[str, str],
) -> None:
    if function.__closure__:
        raise BadInput(
            f"the operation {function.__name__} uses variables of the function around it",
            "define it at the top of the script",
        )
    functions[function.__name__] = function
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
            if name not in functions:
                _gather(value, functions, values, modules)
        elif isinstance(value, types.ModuleType):
            modules[name] = value.__name__
        elif name in function.__globals__ and _is_plain(value):
            values[name] = value


def _names(code: types.CodeType) -> Iterator[str]:
    """The names that code uses, and the code within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_plain(value: object) -> bool:
    if isinstance(value, PLAIN):
        return True
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    return False


@functools.lru_cache(maxsize=KEPT)
def parsed(path: str, text: str) -> _ast.AST:
    """A script's syntax tree, made once for all jobs of a guest."""
    tree: _ast.AST = compile(text, path, "exec", ONLY_TREE, dont_inherit=True)
    return tree


def _source(function: types.FunctionType) -> dict[str, object]:
    """The text of a function, the line where it begins, and its file."""
    path, first = function.__code__.co_filename, function.__code__.co_firstlineno
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            f"the operation {function.__name__} stands in no file", "write it in the script"
        ) from None
    for node in getattr(parsed(path, text), "body", ()):
        if isinstance(node, _ast.FunctionDef) and node.name == function.__name__:
            begin = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if begin <= first <= node.lineno:
                lines = text.splitlines(keepends=True)[node.lineno - 1 : node.end_lineno]
                return {"source": "".join(lines), "line": node.lineno, "path": path}
    raise BadInput(
        f"the operation {function.__name__} does not stand at the top of {path}",
        "define it with def, outside of other functions",
    )
