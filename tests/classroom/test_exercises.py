"""The checker's own test: references pass, and each mistake fails in the case that names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab import language, sayings
from echolab.classroom import exercise, toolchains
from echolab.classroom.check import CheckRequest
from echolab.classroom.exercise import Exercise
from echolab.classroom.verdict import CheckResult, Verdict

SUBMISSIONS = Path(__file__).parent.parent / "exercises"

Submit = Callable[[CheckRequest], "Future[CheckResult]"]

EXERCISES = {name: exercise.find(name) for name in exercise.names()}

REFERENCES = [(name, f"reference-{kind}") for name in EXERCISES for kind in ("py", "c")]

RIGHT = [
    (name, path.name) for name in EXERCISES for path in sorted((SUBMISSIONS / name).glob("right-*"))
]
"""Submissions that take a liberty which the task gives."""

MISTAKES = [
    (name, path.name) for name in EXERCISES for path in sorted((SUBMISSIONS / name).glob("wrong-*"))
]

Results = dict[tuple[str, str], "Future[CheckResult]"]


def naming(found: Exercise, submission: str) -> tuple[int, ...]:
    """The numbers of the cases that name the mistake of a wrong submission."""
    mistake = submission.removeprefix("wrong-")
    return tuple(n for n, case in enumerate(found.cases, 1) if mistake in case.catches)


@pytest.fixture(scope="module")
def results(submit: Submit, order_of: Callable[..., CheckRequest]) -> Results:
    """All submissions, checked side by side: mistakes in the cases that name them alone."""
    orders = {key: order_of(*key) for key in (*REFERENCES, *RIGHT)}
    orders |= {
        (name, submission): order_of(name, submission, *naming(EXERCISES[name], submission))
        for name, submission in MISTAKES
        if naming(EXERCISES[name], submission)
    }
    return {key: submit(order) for key, order in orders.items()}


def test_there_are_twenty_exercises() -> None:
    assert [name.partition("-")[0] for name in EXERCISES] == [f"{n:02}" for n in range(1, 21)]


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_has_its_task_starters_predictions_and_submissions(name: str) -> None:
    found = EXERCISES[name]
    assert (found.folder / "task.md").is_file()
    assert (found.folder / "starter-py/main.py").is_file()
    assert (found.folder / "starter-c/main.c").is_file()
    assert all(found.todo(starter) for starter in found.folder.glob("starter-*"))
    assert len(found.predictions) >= 2
    task = (found.folder / "task.md").read_text()
    assert all(f"`{prediction}`" in task for prediction in found.predictions)
    folders = [path.name for path in (SUBMISSIONS / name).iterdir()]
    assert {"reference-py", "reference-c"} <= set(folders)
    assert sum(folder.startswith("wrong-") for folder in folders) >= 4


def structure(task: str) -> list[str]:
    """What a task has in any language: marks of lines, code, commands, and no words."""
    marks = [line[:2] for line in task.splitlines() if line[:2] in ("# ", "##", "- ", "| ", "|-")]
    return [*marks, *sorted(re.findall(r"`([a-z][a-z -]*)`", task))]


@pytest.mark.parametrize("name", EXERCISES)
def test_a_task_says_in_german_what_it_says_in_english(name: str) -> None:
    """At least, it has the same parts, code and predictions."""
    folder = EXERCISES[name].folder
    english = (folder / "task.md").read_text(encoding="utf-8")
    german = (folder / "task.de.md").read_text(encoding="utf-8")
    assert structure(german) == structure(english)
    assert f"./lab check {name} MEIN-ORDNER" in german


@pytest.mark.exact
@pytest.mark.parametrize(
    "name", [name for name in EXERCISES if name[:2] in ("01", "02", "03", "04")]
)
@pytest.mark.parametrize(("language", "needs"), [("cpp", "g++"), ("go", "go"), ("rust", "rustc")])
def test_a_starter_in_another_language_is_built_and_told_what_to_write(
    name: str, language: str, needs: str, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    if not toolchains.of_machine(Path.home()).has(needs):
        pytest.skip(f"{needs} is not installed on this machine")
    starter = EXERCISES[name].folder / f"starter-{language}"
    result = submit(order_of(name, str(starter), 2)).result()
    assert result.cases[0].verdict == Verdict.FAILED
    assert result.cases[0].steps, result.cases[0].seen
    assert result.starter


@pytest.mark.parametrize(("name", "submission"), MISTAKES)
def test_a_case_names_the_mistake(name: str, submission: str) -> None:
    assert naming(EXERCISES[name], submission)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_mistake_that_a_case_names_has_a_submission(name: str) -> None:
    named = {mistake for case in EXERCISES[name].cases for mistake in case.catches}
    handed_in = {path.name for path in (SUBMISSIONS / name).glob("wrong-*")}
    assert {f"wrong-{mistake}" for mistake in named} == handed_in


@pytest.mark.exact
@pytest.mark.parametrize(("name", "submission"), REFERENCES)
def test_a_reference_passes_every_case(name: str, submission: str, results: Results) -> None:
    result = results[name, submission].result()
    failed = [
        (case.name, case.expectation, case.expected, case.seen, case.reason)
        for case in result.cases
        if case.verdict != Verdict.PASSED
    ]
    assert not failed
    assert len(result.cases) == len(EXERCISES[name].cases)
    assert all(prediction.happened is not None for prediction in result.predictions)


@pytest.mark.exact
@pytest.mark.parametrize(("name", "submission"), RIGHT)
def test_what_a_task_allows_passes_every_case(name: str, submission: str, results: Results) -> None:
    result = results[name, submission].result()
    failed = [
        (case.name, case.expectation, case.expected, case.seen, case.reason)
        for case in result.cases
        if case.verdict != Verdict.PASSED
    ]
    assert not failed


@pytest.mark.parametrize("name", EXERCISES)
def test_what_each_sentence_of_a_task_allows_and_forbids_is_written_down(name: str) -> None:
    """Each submission of the tests is named there, and each that is named is there."""
    told = (SUBMISSIONS / name / "allowed.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:right|wrong)-[\w-]+)`", told))
    there = {path.name for path in (SUBMISSIONS / name).iterdir()}
    assert named == {one for one in there if one.startswith(("right-", "wrong-"))}


@pytest.mark.exact
@pytest.mark.parametrize(("name", "submission"), MISTAKES)
def test_a_mistake_fails_in_a_case_that_names_it(
    name: str, submission: str, results: Results
) -> None:
    result = results[name, submission].result()
    assert Verdict.FAILED in [case.verdict for case in result.cases]
    assert not result.count(Verdict.NOT_JUDGED)


@pytest.fixture
def german() -> Iterator[None]:
    language.use("de")
    yield
    language.use("en")


BARS = "what contradicts it, operations as bars on a time line:"
"""The step behind which operations stand as they are in every language."""


@pytest.mark.exact
@pytest.mark.parametrize(("name", "submission"), MISTAKES)
def test_what_a_mistake_is_told_is_told_in_german(
    name: str, submission: str, results: Results, german: None
) -> None:
    """Not what a program or the system said: that stays."""
    for case in results[name, submission].result().cases:
        steps = [step.text for step in case.steps]
        own = steps[: steps.index(BARS) + 1] if BARS in steps else steps
        told = (*own, *case.endings, *filter(None, (case.title, case.expectation, case.why)))
        assert [one for one in told if sayings.of_case(one) == one] == []
