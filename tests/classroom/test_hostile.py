"""Hostile submissions are stopped and named, and harm nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.settings import Settings

HOSTILE = Path(__file__).parent.parent / "exercises" / "hostile"

NAMES = sorted(path.name for path in HOSTILE.iterdir())

Submit = Callable[[CheckRequest], "Future[CheckResult]"]

SPINS = "computed on and on"

SAYS = {
    "spin": SPINS,
    "fork-bomb": SPINS,
    "fill-memory": "SIGKILL",
    "flood": "it wrote more than",
    "never-ends": "still running",
    "sleeps-a-year": "still running",
    "kills-its-parent": "SIGKILL",
    "claims-success": "ended with status 0",
    "reaches-the-network": "1.1.1.1 [Errno 101] Network is unreachable",
    "hostile-makefile": "Read-only file system",
}
"""What the result says of each, by which a student knows what was done."""

JAVA = """\
public class Main {
    public static void main(String[] words) throws Exception {
        new java.net.Socket(words[0], Integer.parseInt(words[1]));
        int n = 0;
        while (n >= 0)
            n = Math.abs(n + 1);
    }
}
"""


@pytest.fixture(scope="module")
def results(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> dict[str, Future[CheckResult]]:
    return {name: submit(order_of("1", f"hostile/{name}", 1)) for name in NAMES}


def words(case: CaseResult) -> str:
    return "\n".join((case.seen, case.output, *case.endings))


@pytest.mark.exact
@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_submission_fails(name: str, results: dict[str, Future[CheckResult]]) -> None:
    case = results[name].result().cases[0]
    assert case.verdict == Verdict.FAILED
    assert SAYS.get(name, "") in words(case)


@pytest.mark.exact
def test_nothing_of_the_checker_or_the_machine_can_be_read(
    results: dict[str, Future[CheckResult]],
) -> None:
    said = results["reads-the-checker"].result().cases[0].output
    assert "/etc/shadow No such file" in said
    assert "/run/echolab No such file" in said
    assert "/lab ['python', 'submission']" in said
    assert "found" not in said


@pytest.mark.exact
def test_nothing_is_left_on_the_machine(results: dict[str, Future[CheckResult]]) -> None:
    for future in results.values():
        future.result()
    traces = ["/filler", "/was-here", "/usr/bin/was-here", "/tmp/filler", "/dev/shm/filler"]
    assert not [path for path in traces if os.path.lexists(path)]
    assert not list((Settings.from_environment(os.environ).cache / "checks").glob("*/**/was-here"))


@pytest.mark.exact
def test_the_case_after_a_spinning_one_is_judged(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    result = submit(order_of("1", "wrong-ignores-close", 5, 6)).result()
    assert [case.verdict for case in result.cases] == [Verdict.FAILED, Verdict.PASSED]


@pytest.mark.exact
def test_a_program_that_spins_is_told_its_line_and_its_last_calls(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    text = "import socket\ns = socket.socket()\nn = 0\nwhile n >= 0:\n    n += 1\n"
    (tmp_path / "client.py").write_text(text, encoding="utf-8")
    seen = [
        submit(order_of("1", str(tmp_path), 1, explain=1)).result().cases[0].seen for _ in range(2)
    ]
    assert SPINS in seen[0]
    assert "at line 4 of client.py" in seen[0] or "at line 5 of client.py" in seen[0]
    assert "its last calls: " in seen[0]
    assert seen[0].endswith(" = 3"), "the socket's"
    assert seen[0] == seen[1]


@pytest.mark.exact
@pytest.mark.skipif(not shutil.which("javac"), reason="javac is not installed")
def test_a_java_program_that_spins_is_told_the_line_of_its_loop(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    (tmp_path / "Main.java").write_text(JAVA, encoding="utf-8")
    seen = submit(order_of("1", str(tmp_path), 1, explain=1)).result().cases[0].seen
    assert SPINS in seen
    assert ", at line 5 of Main.java; its last calls: connect(" in seen
