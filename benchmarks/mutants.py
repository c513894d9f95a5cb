"""How many mutants of the reference solutions the checks catch.

    .venv/bin/python -m benchmarks.mutants [EXERCISE…] [--language py|c] [--most N]

Makes mutants of each reference (`benchmarks/mutation.py`), checks each, and lists those that pass
every case, with the reason if one is known; they still count as not caught. Ends with a table, and
with status 0 if at least 20 mutants of each reference were made and 95 % caught. If there are more
than `--most`, an evenly spread selection is checked.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import dataclasses
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutation import Mutant, c_mutants, python_mutants
from echolab import resources
from echolab.classroom import case_result, case_runs, exercise, source_tree
from echolab.classroom.case import Case
from echolab.classroom.case_runs import FILES, Performed
from echolab.classroom.exercise import Exercise
from echolab.classroom.languages import C_OPTIONS, Recipe
from echolab.classroom.recipe import recipe
from echolab.classroom.verdict import Verdict
from echolab.settings import Settings

REFERENCES = resources.ROOT / "tests" / "exercises"

LANGUAGES = {"py": "Python", "c": "C"}

LEAST_MADE = 20

LEAST_CAUGHT = 0.95

FIRST_CASES = 2
"""Cases that are performed alone first: most mutants fail in one of them."""

REASONS = {
    # 1 to 3
    "len(reply) < count": "one more recv, of 0 bytes, returns nothing and ends the loop",
    "MAXPUF - Got": "the server sends as many bytes as it got, so no more are there to be read",
    "02-stream-server main.c:48": "after a send that failed the next recv fails, too",
    "03-many-clients main.py:12": "what is not caught ends the thread of this client alone",
    "Count < MOST": "no task fills the table",
    "03-many-clients main.c:30": "the first send after a reset fails without the signal",
    # 4 to 6
    "04-datagram-client main.py:22: the other truth": "the timer ends the wait first",
    "04-datagram-client main.py:22: left out": "what a function returns at its end is as false",
    "04-datagram-client main.py:32": "what a function returns at its end is as false",
    "Left <= 0 ||": "two moments are never the same",
    "sin_family": "Linux takes an address of no family for one of IPv4 (udp(7), udp_sendmsg)",
    "05-large-datagrams main.py:12": "a buffer larger by one more tells a cut datagram as well",
    "05-large-datagrams main.c:24": "no case takes the port; exercises 2 and 3 do",
    "06-three-failures main.c:32": "an error number fits into one byte",
    # 7 to 10
    "07-byte-order main.py:11": "one more argument than there are is not there to be taken",
    "HEADER - Got": "the server sends as many bytes as it got, so no more are there to be read",
    "07-byte-order main.c:42": "six bytes are always sent whole",
    "08-framing main.py:17": "a bytearray is reversed and sent as bytes are",
    "08-framing main.c:48": "after a send that failed the next recv fails, too",
    "08-framing main.c:67": "no case takes the port; exercises 2 and 3 do",
    "SO_REUSEADDR": "exercises 2, 3 and 12 start again at once",
    "09-half-close main.c:38": "the first send after a reset fails without the signal",
    "09-half-close main.py:16": "what is not caught ends the program with status 1 as well",
    "IPV6_V6ONLY, 0": "0 is what the kernel begins with",
    "10-two-families main.c:66": "the place behind the last one has no event",
    # 11 and 12
    "BLOCK 1000": "the receiver cannot know; blocks of 500 and of 1001 bytes fit a datagram",
    "13: a smaller number: 1000": "blocks may be smaller",
    "'!I": "both sides have the same padding behind the number",
    "11-reliable-transfer main.py:27": "two moments are never the same",
    "Now.tv_nsec / 1000000L": "poll waits for the right time on its own",
    "HEADER 5": "both sides have the same padding behind the header",
    "12-counter main.py:32: a larger number: 0": "news leave a little sooner",
    "12-counter main.py:32: a loop runs once": "news leave with every event, too",
    "PERIOD 200": "half and twice as often are soon enough",
    "main.py:12: a larger number: 0.2": "every 1.2 seconds is soon enough",
    "main.py:12: a smaller number: 0.2": "twice as often is soon enough, too",
    "12-counter main.c:46": "the same number once more is the same number",
    "12-counter main.c:159": "the next look at the clock comes a moment later",
    # 20
    "20-replicated-log main.py:16: a larger number: 0.7": "two seconds are allowed",
    "20-replicated-log main.py:68": "terms may be left out",
    "20-replicated-log main.py:81: another text": "the larger term in it is what counts",
    "20-replicated-log main.py:132": "who leads finds out anew what is agreed on",
    "20-replicated-log main.py:155": "the next beat has the entries, too",
}
"""Why a mutant lives that has these words in its exercise, place and what was done to it.

Such a mutant does what the task asks for; it counts as not caught all the same.
"""


@dataclasses.dataclass(frozen=True)
class Score:
    """How many mutants of one reference were made and checked, and which survive."""

    exercise: str
    language: str
    checked: int
    alive: tuple[Mutant, ...]

    @property
    def rate(self) -> float:
        """The share that was caught."""
        return 1 - len(self.alive) / self.checked

    @property
    def enough(self) -> bool:
        """Whether as many were made and caught as required."""
        return self.checked >= LEAST_MADE and self.rate >= LEAST_CAUGHT


def mutants(name: str, language: str) -> list[Mutant]:
    """The mutants of one reference that are valid programs and differ from it and one another."""
    path = REFERENCES / name / f"reference-{language}" / f"main.{language}"
    source = path.read_text(encoding="utf-8")
    if language == "py":
        plain = ast.unparse(ast.parse(source))
        found = [one for one in python_mutants(name, source) if one.text != plain]
    else:
        found = [one for one in c_mutants(name, source) if compiled(one.text)]
    return list({one.text: one for one in found}.values())


def compiled(text: str, target: Path | None = None) -> bool:
    """Whether a C program is valid, compiled to `target`; it was written here: no danger."""
    to = ["-o", str(target)] if target else ["-fsyntax-only"]
    argv = ["gcc", *C_OPTIONS, "-w", *to, "-x", "c", "-"]
    done = subprocess.run(argv, input=text.encode(), capture_output=True, check=False)
    return done.returncode == 0


def spread(found: Sequence[Mutant], most: int) -> list[Mutant]:
    """At most that many of them, evenly spread."""
    if len(found) <= most:
        return list(found)
    return [found[number * len(found) // most] for number in range(most)]


def survives(mutant: Mutant) -> bool:
    """Whether a mutant passes every case."""
    found = exercise.find(mutant.exercise)
    with tempfile.TemporaryDirectory(prefix="echolab-mutant-") as name:
        folder = Path(name)
        made = install(mutant, folder / FILES)
        chosen = (found.cases[:FIRST_CASES], found.cases)
        return all(
            passes(found, cases, made, folder / f"attempt-{number}")
            for number, cases in enumerate(chosen)
        )


def install(mutant: Mutant, folder: Path) -> Recipe:
    """Put a mutant, built, into the new folder; return how to run it."""
    folder.mkdir()
    (folder / mutant.file).write_text(mutant.text, encoding="utf-8")
    found = recipe(source_tree.of_texts({mutant.file: mutant.text}))
    if found.build and not compiled(mutant.text, folder / "main"):
        raise RuntimeError(f"{mutant} cannot be compiled any more")
    return found


def passes(found: Exercise, cases: Sequence[Case], made: Recipe, folder: Path) -> bool:
    """Whether a mutant passes these cases; it is installed beside the new folder."""
    runs = [(case, run) for case in cases for run in case.runs(1)]
    jobs = [case_runs.job(found, case, made, run) for case, run in runs]
    done = case_runs.in_one_guest(
        jobs, folder.parent / FILES, folder, Settings.from_environment(os.environ), quiet
    )
    return len(done) == len(jobs) and all(
        passed(case, one) for (case, _), one in zip(runs, done, strict=True)
    )


def passed(case: Case, done: Performed) -> bool:
    """Whether a case of a mutant passed. Raises RuntimeError where it was not judged."""
    if done.broke:
        raise RuntimeError(done.broke)
    if done.record is None:
        return False
    verdict = case_result.case_result(case, 1, done.record).verdict
    if verdict == Verdict.NOT_JUDGED:
        raise RuntimeError(f"{case.name} was not judged")
    return verdict == Verdict.PASSED


def reason(mutant: Mutant) -> str:
    """Why a surviving mutant does no harm, as far as is known."""
    known = (why for words, why in REASONS.items() if words in str(mutant))
    return next(known, "no reason known: a case is missing")


def quiet(line: str) -> None:
    """Show no progress of single checks."""


def table(scores: Sequence[Score]) -> str:
    """The rate of each reference, as a table in Markdown."""
    lines = ["| exercise | Python | C |", "|---|---|---|"]
    for name in dict.fromkeys(score.exercise for score in scores):
        cells = []
        for language in LANGUAGES:
            of = [s for s in scores if (s.exercise, s.language) == (name, language)]
            cells.append(
                f"{of[0].checked - len(of[0].alive)} of {of[0].checked} ({of[0].rate:.0%})"
                if of
                else ""
            )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description="Mutants of the references, and how many live.")
    options.add_argument("exercise", nargs="*")
    options.add_argument("--language", choices=tuple(LANGUAGES), action="append")
    options.add_argument("--most", type=int, default=10_000)
    chosen = options.parse_args()
    names = [exercise.find(name).name for name in chosen.exercise] or list(exercise.names())
    scores = []
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(
        len(os.sched_getaffinity(0)), mp_context=context
    ) as pool:
        for name in names:
            for language in chosen.language or LANGUAGES:
                found = spread(mutants(name, language), chosen.most)
                lives = pool.map(survives, found)
                alive = tuple(one for one, is_alive in zip(found, lives, strict=True) if is_alive)
                score = Score(name, language, len(found), alive)
                scores.append(score)
                print(f"{name} {language}: {len(found) - len(alive)} of {len(found)} caught")
                for mutant in alive:
                    print(f"    lives: {mutant} ({reason(mutant)})")
                sys.stdout.flush()
    print(f"\n{table(scores)}\n")
    print(f"at least {LEAST_MADE} mutants of each and {LEAST_CAUGHT:.0%} of them caught are asked")
    return 0 if all(score.enough for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
