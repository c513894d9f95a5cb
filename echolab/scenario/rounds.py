"""A limit on the rounds of a script's loops: one that never ends is named with its line.

Strategy: in virtual time the clock stands still while a script computes, so no clock can end it.
But rounds can be counted. A call that counts is put at the beginning of the body of each `for` and
`while` of the script itself, with the loop's own line, so that the traceback shows the loop. It is
a method of an iterator in C, which costs some 30 ns.
"""

from __future__ import annotations

import _ast
import functools
import itertools
import operator
import types
from collections.abc import Callable, Iterator

MOST = 50_000_000
"""Rounds of all loops of a script together: some seconds of processor time if each is short."""

NAME = "__echolab_round__"

ONLY_TREE = 0x400
"""PyCF_ONLY_AST of compile(); the module `ast` takes longer to import in the guest."""

KEPT = 32
"""How many scripts are kept, as code or as a syntax tree."""

LOOPS = (_ast.For, _ast.While, _ast.AsyncFor)


@functools.lru_cache(maxsize=KEPT)
def code(source: bytes, path: str) -> types.CodeType:
    """The code of a script, with a call of `NAME` in each round of its loops.

    It is made once for all jobs of a guest. Raises SyntaxError as compile() does.
    """
    tree = compile(source, path, "exec", ONLY_TREE, dont_inherit=True)
    for loop in _loops(tree):
        loop.body.insert(0, _call(loop))
    made: types.CodeType = compile(tree, path, "exec", dont_inherit=True)
    return made


def counter() -> Callable[[], None]:
    """The object called `NAME`: it raises StopIteration after `MOST` calls."""
    return itertools.repeat(None, MOST).__next__


def used_up(error: BaseException) -> bool:
    """Whether this count has ended a script, and not an iterator of the script's own."""
    trace = error.__traceback__ if isinstance(error, StopIteration) else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    count = trace.tb_frame.f_globals.get(NAME) if trace is not None else None
    return count is not None and operator.length_hint(count.__self__, 1) == 0


def _loops(node: _ast.AST) -> Iterator[_ast.For | _ast.While | _ast.AsyncFor]:
    for name in node._fields:
        value = getattr(node, name, None)
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, _ast.AST):
                yield from _loops(child)
    if isinstance(node, LOOPS):
        yield node


def _call(loop: _ast.For | _ast.While | _ast.AsyncFor) -> _ast.Expr:
    place = {
        "lineno": loop.lineno,
        "col_offset": loop.col_offset,
        "end_lineno": loop.lineno,
        "end_col_offset": loop.col_offset + 1,
    }
    function = _ast.Name(id=NAME, ctx=_ast.Load(), **place)
    return _ast.Expr(value=_ast.Call(func=function, args=[], keywords=[], **place), **place)
