"""How many mechanical mutants of the reference solutions the checks catch.

    PYTHONPATH=. .venv/bin/python benchmarks/mutants.py [EXERCISE…] [--language py|c] [--most N]

Makes mutants of each reference by small rules: another comparison, another number, a call
or a statement left out, a flag turned. Checks each, and lists those that pass every case.
Ends with status 0 where at least 90 % of each reference's are caught. Of more mutants than
`--most`, an evenly spread choice is checked.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import dataclasses
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from echolab import catalogue
from echolab.classroom import checking, exercise, parcel, performing, reading
from echolab.classroom.case import Case
from echolab.classroom.performing import FILES, PATIENCE
from echolab.classroom.recipe import recipe
from echolab.classroom.verdict import Verdict
from echolab.cli import settings
from echolab.engines import exact
from echolab.errors import EcholabError
from echolab.record import Record

REFERENCES = catalogue.ROOT / "tests" / "exercises"

LEAST_CAUGHT = 0.9

REASONS = {
    "len(reply) < count": "one more recv, of 0 bytes, returns nothing and ends the loop",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)": "both names are the number 2",
    "larger number: 1023": "a larger buffer holds what a smaller one holds",
    "larger number: 1": "a buffer that is larger by one more tells a cut datagram as well",
    "MAXPUF - Got": "the server sends as many bytes as it got, so no more are there to be read",
    "HEADER - Got": "the server sends a header alone, so no more is there to be read",
    "if (Len < 0)": "less than nothing and nothing are both reported by status 1",
    "another number: return 1": "the error before it is one that no case brings about",
}
"""Why a mutant lives that has these words in what was done to it."""


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

    Left as they are, since a change there changes nothing: how much recv is asked for at
    most, how many may wait in listen, how true an option is; what is said on standard
    error; and a last `return 0`, which is what the end of a function gives to sys.exit.
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
    """The numbers of the nodes whose change makes no difference that anybody asked for."""
    free = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        says = called == "print" and any(keyword.arg == "file" for keyword in node.keywords)
        if says or called in ("recv", "listen", "setsockopt"):
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
        node.ops[0] = COMPARISONS[type(node.ops[0])]()
        return True
    return False


def _operator(node: ast.AST) -> bool:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        node.op = OPERATORS[type(node.op)]()
        return True
    return False


def _number(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value += 1
        return True
    return False


def _smaller(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value:
        node.value = node.value // 2 if isinstance(node.value, int) else node.value / 2
        return True
    return False


def _text(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and node.value:
        node.value += "x" if isinstance(node.value, str) else b"x"
        return True
    return False


def _first_argument(node: ast.AST) -> bool:
    """A call in an assignment or a return is replaced by what it was given first."""
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
    """An exception is not caught any more."""
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
    """The first two arguments of a call change places."""
    if isinstance(node, ast.Call) and len(node.args) > 1:
        node.args[:2] = node.args[1], node.args[0]
        return True
    return False


def _other_name(node: ast.AST) -> bool:
    """One of the names that the socket module has in pairs is replaced by the other one."""
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

INDIFFERENT = (
    *("stderr", "argc", "Sent", "More", "perror", "MySocket < 0", "listen(", "On = 1"),
    *("memset", "close(MySocket)", "INADDR_ANY", "ForeignSocket < 0", "Foreign >= 0", "MOST"),
    *("NODES)", "RechnerID == NULL", "sizeof(Reply)"),
)

ERRORS = ("perror", "< 0)", "send_all", "== NULL")
"""What stands in the line before one that handles an error."""

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
    ("another number", r"(?<=return )1(?=;)", "0"),
    ("a statement left out", r"^\s*(?:break|continue|return);$", ";"),
    ("a call left out", r"^\s*(?:close|shutdown|setsockopt|fflush|memcpy)\(.*\);$", ";"),
    ("a call left out", r"^\s*(?:send|sendto|fwrite|printf)\(.*\);$", ";"),
    (
        "an assignment left out",
        r"^\s*(?!AdrMySock\.sin_family|MyAdr\.sin_family)[\w.>\[\]-]+ = [^;]*;$",
        ";",
    ),
    ("another kind", r"\bSOCK_STREAM\b", "SOCK_DGRAM"),
    ("another kind", r"\bSOCK_DGRAM\b", "SOCK_STREAM"),
    ("another family", r"\bAF_INET\b", "AF_UNIX"),
    ("another text", r'(?<=return ")\w', "x"),
    ("another size", r"(?<!, )\bsizeof\([^)]*\)", "1"),
    ("another number", r"(?<=, )0(?=[,)])", "1"),
    ("no flag", r"\bMSG_TRUNC\b", "0"),
    ("a smaller number", r"(?<=, )[2-9](?=, 0)", "1"),
    ("another condition", r"\bif \((.*)\)(?=$| \{$)", r"if (!(\1))"),
    ("a condition that never holds", r"\bif \((.*)\)(?=$| \{$)", "if (0)"),
    ("a loop runs once", r"\bfor \(;;\)", "for (int Once = 0; Once < 1; Once++)"),
    ("a loop runs once", r"\bwhile \(", "if ("),
    ("another argument", r"argv\[1\]", "argv[0]"),
    ("another argument", r"argv\[2\]", "argv[1]"),
)


def c_mutants(name: str, source: str) -> Iterator[Mutant]:
    """Mutants of a C program, each with one place of one line changed.

    Left as they are: the loops that send what is left, since a send that blocks takes all;
    what is done about an error that the kernel here never returns; what an address is
    cleared with, or set to what it is already; the last close, which the end does as well;
    tables that are larger than anybody asks; and usage.
    """
    lines = source.splitlines()
    helper = False
    for number, line in enumerate(lines):
        helper = line.startswith("static int send_all") or (helper and line != "}")
        if helper or line.lstrip().startswith(("#", "/*", "*", "//")):
            continue
        if any(word in line for word in INDIFFERENT):
            continue
        if any(word in lines[number - 1] for word in ERRORS):
            continue
        for what, pattern, replacement in C_RULES:
            for found in re.finditer(pattern, line):
                changed = line[: found.start()] + found.expand(replacement) + line[found.end() :]
                text = "\n".join([*lines[:number], changed, *lines[number + 1 :]]) + "\n"
                yield Mutant(name, "main.c", number + 1, f"{what}: {line.strip()}", text)


def compiles(mutant: Mutant) -> bool:
    """Whether a C mutant is a program at all."""
    argv = ["gcc", "-std=gnu17", "-fsyntax-only", "-w", "-x", "c", "-"]
    done = subprocess.run(argv, input=mutant.text.encode(), capture_output=True, check=False)
    return done.returncode == 0


# --- checking them


def mutants(name: str, language: str) -> list[Mutant]:
    """The mutants of one reference that are programs and differ from it."""
    folder = REFERENCES / name / f"reference-{language}"
    if language == "py":
        source = (folder / "main.py").read_text(encoding="utf-8")
        plain = ast.unparse(ast.parse(source))
        found = [one for one in python_mutants(name, source) if one.text != plain]
    else:
        source = (folder / "main.c").read_text(encoding="utf-8")
        found = [one for one in c_mutants(name, source) if compiles(one)]
    unique = {one.text: one for one in found}
    return list(unique.values())


def spread(found: Sequence[Mutant], most: int) -> list[Mutant]:
    """At most so many of them, evenly spread."""
    if len(found) <= most:
        return list(found)
    return [found[number * len(found) // most] for number in range(most)]


def survives(mutant: Mutant) -> bool:
    """Whether a mutant passes every case; one guest is enough to see one that does not."""
    found = exercise.find(mutant.exercise)
    with tempfile.TemporaryDirectory(prefix="echolab-mutant-") as name:
        folder = Path(name)
        (folder / mutant.file).write_text(mutant.text, encoding="utf-8")
        names = parcel.pack(folder / mutant.file, folder / FILES)
        plan = recipe(names)
        if checking.build(plan, folder, 1, settings(), quiet):
            return False
        jobs = [performing.job(found, case, plan.run, 1) for case in found.cases]
        here = dataclasses.replace(settings(), folder=folder, wall_limit=PATIENCE)
        results = exact.run_all(jobs, here, quiet)
    if len(results) < len(jobs):
        return False
    return all(passes(case, result) for case, result in zip(found.cases, results, strict=True))


def passes(case: Case, result: Record | EcholabError) -> bool:
    """Whether a case of a mutant passed."""
    if isinstance(result, EcholabError):
        return False
    return reading.case_result(case, 1, result).verdict == Verdict.PASSED


def reason(mutant: Mutant) -> str:
    """Why a mutant that lives does no harm, as far as is known."""
    known = (why for words, why in REASONS.items() if words in mutant.what)
    return next(known, "no reason known: a case is missing")


def quiet(line: str) -> None:
    """Show no progress of single checks."""


def main() -> int:
    options = argparse.ArgumentParser(description="Mutants of the references, and how many live.")
    options.add_argument("exercise", nargs="*")
    options.add_argument("--language", choices=("py", "c"), action="append")
    options.add_argument("--most", type=int, default=24)
    chosen = options.parse_args()
    names = [exercise.find(name).name for name in chosen.exercise] or list(exercise.names())
    worst = 1.0
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        for name in names:
            for language in chosen.language or ["py", "c"]:
                found = spread(mutants(name, language), chosen.most)
                alive = [
                    m for m, lives in zip(found, pool.map(survives, found), strict=True) if lives
                ]
                rate = 1 - len(alive) / len(found)
                worst = min(worst, rate)
                print(f"{name} {language}: {len(found) - len(alive)} of {len(found)} ({rate:.0%})")
                for mutant in alive:
                    print(f"    lives: {mutant} ({reason(mutant)})")
                sys.stdout.flush()
    print(f"worst {worst:.0%}, at least {LEAST_CAUGHT:.0%} asked")
    return 0 if worst >= LEAST_CAUGHT else 1


if __name__ == "__main__":
    sys.exit(main())
