"""What a student is told first, once, and in its own words."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab.classroom import check, exercise, museum, self_test, submission_files, text
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.errors import CannotRun
from echolab.settings import Settings

Submit = Callable[[CheckRequest], "Future[CheckResult]"]

Order = Callable[..., CheckRequest]

SUBMISSIONS = Path(__file__).parent.parent / "exercises"

IN_USE = """import socket, sys
first, second = socket.socket(), socket.socket()
first.bind(("", 5000))
second.bind(("", 5000))
"""

ENDS_SOON = """import socket, sys, time
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", int(sys.argv[2])))
time.sleep(0.3)
sys.exit("nobody asked")
"""


def told(submit: Submit, order: CheckRequest) -> str:
    return text.check_text(submit(order).result())


@pytest.mark.exact
def test_the_starter_is_told_what_to_write_first(submit: Submit, order_of: Order) -> None:
    starter = exercise.find("1").folder / "starter-py"
    said = told(submit, order_of("1", str(starter)))
    below = said.splitlines()[2]
    assert below.endswith("Write first: send the buffer, receive the whole reply, print its text")
    assert "Begin with case 1" in said
    assert said.count("think about") == 1


@pytest.mark.exact
def test_a_build_error_is_said_once_without_a_question(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return nothing; }\n")
    said = told(submit, order_of("2", str(tmp_path)))
    (line,) = (line for line in said.splitlines() if "‘nothing’ undeclared" in line)
    assert line.startswith("              main.c:1:")  # below what stands before it
    assert "think about" not in said


@pytest.mark.exact
def test_a_taken_port_is_said_in_the_programs_own_words(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    (tmp_path / "main.py").write_text(IN_USE)
    case = submit(order_of("2", str(tmp_path), 1)).result().cases[0]
    assert "it serves no port; it ended with status 1, saying: OSError: [Errno 98]" in case.seen
    assert case.question.startswith("Which of your calls fails")


@pytest.mark.exact
def test_a_program_that_ends_instead_of_waiting_is_told_how_it_ended(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    (tmp_path / "main.py").write_text(ENDS_SOON)
    case = submit(order_of("20", str(tmp_path), 1)).result().cases[0]
    assert case.verdict == Verdict.FAILED, case.reason
    assert "it ended with status 1, saying: nobody asked" in case.seen


@pytest.mark.exact
def test_datagrams_that_wait_for_the_case_are_counted(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    """Two die on their way; the third and the fourth arrive, of a client that sends each twice."""
    once = "my_socket.sendto(request, server)"
    text = (SUBMISSIONS / "04-datagram-client/reference-py/main.py").read_text(encoding="utf-8")
    (tmp_path / "main.py").write_text(text.replace(once, f"{once}; {once}"), encoding="utf-8")
    result = submit(order_of("4", str(tmp_path), 2)).result()
    happened = {one.name: one.happened for one in result.predictions}
    assert happened["datagrams-at-the-server"] == "2"


@pytest.mark.exact
def test_a_program_for_another_system_is_asked_no_question_about_the_network(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    (tmp_path / "run").write_bytes(b"\xcf\xfa\xed\xfe for another system")
    (tmp_path / "run").chmod(0o755)
    case = submit(order_of("2", str(tmp_path), 1)).result().cases[0]
    assert "Exec format error" in case.seen
    assert (case.verdict, case.question) == (Verdict.FAILED, "")


@pytest.mark.exact
def test_a_locale_that_is_not_there_is_explained(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    (tmp_path / "main.py").write_text('import locale\nlocale.setlocale(0, "de_DE.UTF-8")\n')
    assert "locales C, POSIX and C.UTF-8" in told(submit, order_of("2", str(tmp_path), 1))


@pytest.mark.exact
def test_the_report_names_the_versions_of_the_tools(
    tmp_path: Path, submit: Submit, order_of: Order
) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 1; }\n")
    (tool,) = submit(order_of("1", str(tmp_path), 1)).result().tools
    name, version = tool.split()
    assert name == "gcc"
    assert version[0].isdigit()


@pytest.mark.exact
def test_steps_and_packets_have_the_same_times(submit: Submit, order_of: Order) -> None:
    order = order_of("2", "wrong-one-recv", 2, explain=1)
    case = submit(order).result().cases[0]
    connected = next(step.at for step in case.steps if "connected" in step.text)
    assert any(line.startswith(f"{connected:12.6f} s") for line in case.timeline)


def test_a_file_that_its_program_may_not_read_is_our_fault(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("pass\n")
    tmp_path.chmod(0o755)
    submission_files.check_shown(tmp_path)
    (tmp_path / "main.py").chmod(0o600)
    with pytest.raises(CannotRun, match=r"main\.py is not for everybody to read"):
        submission_files.check_shown(tmp_path)


def test_what_the_machine_lacks_is_said_once_for_all_cases(order_of: Order) -> None:
    lacking = CannotRun("this machine has no go", "install it")
    said = text.check_text(check.broken(order_of("2", "reference-py"), lacking))
    assert said.count("this machine has no go") == 1
    assert "? all 6 cases, for the same reason:" in said


def test_each_exhibit_has_its_guilty_and_its_mended_lines() -> None:
    for name in museum.names():
        assert all(museum.lines(name, state) for state in museum.STATES), name
    shown = museum.side_by_side("double-htons")
    assert [line.split("|")[0].strip() for line in shown[::2]] == [
        "broken",
        "listen_on(htons(Port));",
    ]


@pytest.mark.exact
@pytest.mark.usefixtures("guest")
def test_a_machine_that_fails_a_known_solution_grades_nobody(tmp_path: Path) -> None:
    settings = Settings.from_environment(os.environ)
    found = exercise.find("6")
    assert self_test.self_test(found, settings, lambda line: None).endswith("passes all 6 cases")
    (tmp_path / "check.py").write_text((found.folder / "check.py").read_text())
    own = exercise.read(tmp_path)
    assert self_test.self_test(own, settings, lambda line: None) == ""
    (tmp_path / "reference-py").mkdir()
    (tmp_path / "reference-py/main.py").write_text("print('open')\n")
    with pytest.raises(CannotRun, match="the self-test failed, so nobody was graded"):
        self_test.self_test(own, settings, lambda line: None)
