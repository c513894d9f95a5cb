"""Mutants of a program: one small change each, like a slip of the hand.

`python_mutants` changes one node of the syntax tree, `c_mutants` one place of one line. Each says
what it leaves alone: changes that make no difference anywhere.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeGuard


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One mutant: what was done to which line of which reference, and its text."""

    exercise: str
    file: str
    line: int
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.exercise} {self.file}:{self.line}: {self.what}"


# --- Python: by the syntax tree

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
}


def python_mutants(name: str, source: str) -> Iterator[Mutant]:
    """Mutants of a Python program, each with one node of its syntax tree changed.

    Some changes are left out, since they make no difference: how much recv asks for at most, how
    many may wait in listen, how true an option is; what is said on standard error; and a last
    `return 0`, which is what the end of a function gives to sys.exit.
    """
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for number in range(count):
        for what, change in CHANGES:
            tree = ast.parse(source)
            node = list(ast.walk(tree))[number]
            before = (ast.unparse(node).splitlines() or [""])[0]
            if number not in _indifferent(tree) and change(node):
                line = getattr(node, "lineno", 0)
                text = ast.unparse(ast.fix_missing_locations(tree))
                yield Mutant(name, "main.py", line, f"{what}: {before}", text)
    yield from _without_a_statement(name, source)


def _indifferent(tree: ast.AST) -> set[int]:
    """The numbers of the nodes whose change makes no difference that any task mentions."""
    free = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        says = called == "print" and any(keyword.arg == "file" for keyword in node.keywords)
        room = called == "recvfrom" and isinstance(node.args[0], ast.Constant)
        if says or room or called in ("recv", "listen", "setsockopt"):
            free |= {id(inner) for inner in ast.walk(node) if says or inner is not node}
    free |= {id(node) for node in tree.body[:1]} if isinstance(tree, ast.Module) else set()
    free |= {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    return {number for number, node in enumerate(ast.walk(tree)) if id(node) in free}


def _without_a_statement(name: str, source: str) -> Iterator[Mutant]:
    """Mutants in which one statement that calls, assigns, returns or breaks is left out."""
    kinds = (ast.Break, ast.Continue, ast.Assign, ast.AugAssign, ast.Return)
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for number in range(count):
        for field in ("body", "orelse", "finalbody"):
            for place in range(20):
                tree = ast.parse(source)
                statements = getattr(list(ast.walk(tree))[number], field, None)
                if not isinstance(statements, list) or place >= len(statements):
                    break
                statement = statements[place]
                called = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
                if not called and not isinstance(statement, kinds):
                    continue
                before = ast.unparse(statement)
                if "file=sys.stderr" in before or before == "return 0":
                    continue
                statements[place] = ast.Pass()
                text = ast.unparse(ast.fix_missing_locations(tree))
                what = f"left out: {before.splitlines()[0]}"
                yield Mutant(name, "main.py", statement.lineno, what, text)


def _compare(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        if "monotonic()" in ast.unparse(node):
            return False  # two moments are never the same
        node.ops[0] = COMPARISONS[type(node.ops[0])]()
        return True
    return False


def _operator(node: ast.AST) -> bool:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        node.op = OPERATORS[type(node.op)]()
        return True
    return False


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number; True and False, which Python counts among them, are not."""
    return type(value) in (int, float)


def _number(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and _is_number(node.value):
        node.value += 1
        return True
    return False


def _smaller(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and _is_number(node.value) and node.value:
        node.value = node.value // 2 if isinstance(node.value, int) else node.value / 2
        return True
    return False


def _text(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and node.value:
        node.value = node.value + "x" if isinstance(node.value, str) else node.value + b"x"
        return True
    return False


def _first_argument(node: ast.AST) -> bool:
    """A call in an assignment or a return is replaced by its first argument."""
    if not isinstance(node, (ast.Assign, ast.Return)) or not isinstance(node.value, ast.Call):
        return False
    if not node.value.args:
        return False
    node.value = node.value.args[0]
    return True


def _boolean(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
        return True
    return False


def _handler(node: ast.AST) -> bool:
    """An exception is no longer caught."""
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        node.type = ast.Name("ZeroDivisionError", ast.Load())
        return True
    return False


def _once(node: ast.AST) -> bool:
    """A loop runs once at most."""
    if isinstance(node, ast.While):
        node.body.append(ast.Break())
        return True
    return False


def _branches(node: ast.AST) -> bool:
    if isinstance(node, ast.IfExp):
        node.body, node.orelse = node.orelse, node.body
        return True
    return False


def _swapped(node: ast.AST) -> bool:
    """The first two arguments of a call are exchanged."""
    if isinstance(node, ast.Call) and len(node.args) > 1:
        if ast.unparse(node) == "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)":
            return False  # both are the number 2
        if ast.unparse(node.func) in ("max", "min"):
            return False  # the order of these makes no difference
        node.args[:2] = node.args[1], node.args[0]
        return True
    return False


def _other_name(node: ast.AST) -> bool:
    """One of the names that the socket module has in pairs is replaced by the other."""
    if isinstance(node, ast.Attribute) and node.attr in PAIRS:
        node.attr = PAIRS[node.attr]
        return True
    return False


PAIRS = {
    "SOCK_STREAM": "SOCK_DGRAM",
    "SOCK_DGRAM": "SOCK_STREAM",
    "AF_INET6": "AF_INET",
    "SHUT_WR": "SHUT_RD",
    "EVENT_READ": "EVENT_WRITE",
    "sendall": "recv",
    "sendto": "bind",
    "ljust": "rjust",
    "max": "min",
}


def _negation(node: ast.AST) -> bool:
    if isinstance(node, (ast.If, ast.While)) and not isinstance(node.test, ast.Constant):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return True
    return False


CHANGES: tuple[tuple[str, Callable[[ast.AST], bool]], ...] = (
    ("another comparison", _compare),
    ("another operator", _operator),
    ("a larger number", _number),
    ("a smaller number", _smaller),
    ("another text", _text),
    ("the first argument", _first_argument),
    ("the other truth", _boolean),
    ("arguments swapped", _swapped),
    ("not caught", _handler),
    ("branches swapped", _branches),
    ("a loop runs once", _once),
    ("the other name", _other_name),
    ("a condition negated", _negation),
)

# --- C: by the line

C_LEFT = re.compile(
    r"stderr|perror"  # what is said about an error
    r"|argc"  # what a wrong call brings, of which no task speaks
    r"|\bmemset\(|INADDR_ANY"  # what clears an address, or sets it to what is cleared
    r"|Foreign(?:Socket)? (?:<|>=) 0"  # what is done where accept fails, which it never does here
    r"|^\s*close\(MySocket\);$"  # the last close, which the end of the program does as well
)
"""Lines of C whose change makes no visible difference."""

ACCEPT = re.compile(r"ForeignSocket < 0\)$")
"""The line before the one for a failed accept."""

SIZES = frozenset({"MAXPUF", "MOST", "NODES"})
"""Constants that are the size of a buffer or a table; a buffer of the message's own size is
none of these, where a loop fills it."""

C_RULES = (
    ("another comparison", r"(?<![<>=!-])<(?![<=a-z])", "<="),
    ("another comparison", r"<=", "<"),
    ("another comparison", r"(?<![->])>(?![>=])", ">="),
    ("another comparison", r"==", "!="),
    ("another comparison", r"!=", "=="),
    ("another operator", r"(?<=\w) \+ (?=\w)", " - "),
    ("another operator", r"(?<=\w) - (?=\w)", " + "),
    ("another operator", r"\+=", "="),
    ("no conversion", r"\b(?:htons|htonl|ntohs|ntohl)\(", "("),
    ("another junction", r"\|\|", "&&"),
    ("another junction", r"&&", "||"),
    ("another number", r"(?<=return )0(?=;)", "1"),
    ("another number", r"(?<=return )-?1(?=;)", "0"),
    ("a statement left out", r"^\s*(?:break|continue|return);$", ";"),
    ("a call left out", r"^\s*(?:close|shutdown|setsockopt|fflush|memcpy)\(.*\);$", ";"),
    ("a call left out", r"^\s*(?:send|sendto|fwrite|printf)\(.*\);$", ";"),
    (
        "an assignment left out",
        r"^\s*(?!(?:AdrMySock|MyAdr|Peer)\.sin_family)[\w.>\[\]-]+ = [^;]*;$",
        ";",
    ),
    ("another kind", r"\bSOCK_STREAM\b", "SOCK_DGRAM"),
    ("another kind", r"\bSOCK_DGRAM\b", "SOCK_STREAM"),
    ("another family", r"\bAF_INET\b", "AF_UNIX"),
    ("another text", r'(?<=return ")\w', "x"),
    ("another size", r"(?<!, )\bsizeof\([^)]*\)", "1"),
    ("another flag", r"(\brecv.*, )0(?=[,)])", r"\1MSG_PEEK"),
    ("another flag", r"(\bsend.*, )0(?=[,)])", r"\1MSG_OOB"),
    ("no flag", r"\b(?:MSG_TRUNC|MSG_NOSIGNAL)\b", "0"),
    ("a smaller number", r"(?<=, )[2-9](?=, 0)", "1"),
    ("another condition", r"\bif \((.*)\)(?=$| \{$)", r"if (!(\1))"),
    ("a condition that never holds", r"\bif \((.*)\)(?=$| \{$)", "if (0)"),
    ("a loop runs once", r"\bfor \(;;\)", "for (int Once = 0; Once < 1; Once++)"),
    ("a loop runs once", r"\bwhile \(", "if ("),
    ("another argument", r"argv\[1\]", "argv[0]"),
    ("another argument", r"argv\[2\]", "argv[1]"),
)


def c_mutants(name: str, source: str) -> Iterator[Mutant]:
    """Mutants of a C program, each with one place of one line changed; some do not compile.

    Left alone are: comments, the lines that `C_LEFT` names, the size of a buffer or a table that
    nobody fills, and the loops that send what is left, except for their flags: a blocking send
    takes everything, and fails for a client that has gone, which the next recv reports as well.
    """
    lines = source.splitlines()
    sizes = SIZES - {"MAXPUF"} if "< MAXPUF" in source else SIZES
    sending = _sending(lines)
    for number, line in enumerate(lines):
        if C_LEFT.search(line) or line.lstrip().startswith(("/*", "*", "//", "#include")):
            continue
        if ACCEPT.search(lines[number - 1]) or _defines(line) in sizes:
            continue
        for what, changed in _changed(line):
            if number in sending and what != "no flag":
                continue
            text = "\n".join([*lines[:number], changed, *lines[number + 1 :]]) + "\n"
            yield Mutant(name, "main.c", number + 1, f"{what}: {line.strip()}", text)


def _defines(line: str) -> str:
    """The name of the constant that a line defines, or nothing."""
    found = re.match(r"#define (\w+) ", line)
    return found[1] if found else ""


def _sending(lines: Sequence[str]) -> set[int]:
    """The numbers of the lines in loops that send what is left, and in functions of these."""
    found: set[int] = set()
    end = ""
    for number, line in enumerate(lines):
        if not end and (line.startswith("static int send_all(") or "Sent = 0; Sent <" in line):
            end = line[: len(line) - len(line.lstrip())] + "}"
        if end:
            found.add(number)
        if line == end:
            end = ""
    return found


def _changed(line: str) -> Iterator[tuple[str, str]]:
    """What a line becomes by each rule in each place, and what was done."""
    if constant := re.fullmatch(r"#define (\w+) (\d+)", line):
        name, number = constant[1], int(constant[2])
        yield "a smaller number", f"#define {name} {number // 2}"
        yield "a larger number", f"#define {name} {number * 2}"
        return
    for what, pattern, replacement in C_RULES:
        for found in re.finditer(pattern, line):
            yield what, line[: found.start()] + found.expand(replacement) + line[found.end() :]
