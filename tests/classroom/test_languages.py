"""A submission may be in any language that this machine has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult, Verdict

Submit = Callable[[CheckRequest], "Future[CheckResult]"]

NEEDS = {"java": "javac", "node": "node", "run": "python3"}


@pytest.mark.exact
@pytest.mark.parametrize("language", NEEDS)
def test_a_client_in_another_language_passes(
    language: str, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    if shutil.which(NEEDS[language]) is None:
        pytest.skip(f"{NEEDS[language]} is not installed on this machine")
    result = submit(order_of("1", f"languages/{language}")).result()
    assert [case.seen or case.reason for case in result.cases if case.verdict != "passed"] == []


@pytest.mark.exact
def test_a_python_submission_sees_the_standard_library_alone(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    """What this machine has installed beside it would be missing on another."""
    (tmp_path / "main.py").write_text(
        "import sys, socket\nprint(sys.path, exit.__class__, file=sys.stderr)\n"
    )
    output = submit(order_of("1", str(tmp_path), 1)).result().cases[0].output
    assert output.startswith("['/lab/submission', ")
    assert "-packages" not in output
    assert "Quitter" in output  # what site(1) adds is there


@pytest.mark.exact
def test_a_single_c_file_is_built_and_passes(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    result = submit(order_of("1", "01-stream-client/reference-c/main.c", 1)).result()
    assert (result.language, result.cases[0].verdict) == ("C", Verdict.PASSED)


@pytest.mark.exact
def test_what_the_compiler_says_is_shown(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return nothing; }\n")
    result = submit(order_of("1", str(tmp_path), 1)).result()
    assert result.cases[0].verdict == Verdict.FAILED
    assert "error: ‘nothing’ undeclared" in result.cases[0].seen


@pytest.mark.exact
def test_a_run_file_that_is_not_a_program_is_the_submissions_fault(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    (tmp_path / "run").write_text("no program\n")
    (tmp_path / "run").chmod(0o755)
    result = submit(order_of("1", str(tmp_path), 1)).result()
    assert result.cases[0].verdict == Verdict.FAILED
    assert "Exec format error" in result.cases[0].seen
