"""Scripts of users: how a scenario is marked and read, and how a mistake in one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from echolab.errors import BadInput, CannotRun, ScriptError
from echolab.scenario import script

HEAD = "from __future__ import annotations\nfrom echolab import Lab, Link, scenario\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_a_function_is_marked_with_brackets_or_without(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "@scenario\ndef plain_one(lab: Lab) -> None:\n    '''Says so.'''\n"
        "@scenario(sentence='Satz', name='other')\ndef two(lab: Lab, n: int = 3) -> None: ...\n",
    )
    one, two = script.load(path)
    assert (one.name, one.summary, one.sentence) == ("plain-one", "Says so.", "")
    assert (two.name, two.sentence, two.parameters) == ("other", "Satz", {"n": 3})


def test_parameters_given_as_text_are_read_as_their_own_type(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "@scenario\ndef s(lab: Lab, f: float = 1, n: int = 2, b: bool = False, t: str = 'x')"
        " -> None: ...\n",
    )
    (found,) = script.load(path)
    assert found.parameters == {"f": 1.0, "n": 2, "b": False, "t": "x"}
    read = found.with_parameters({"f": "0.5", "n": "7", "b": "yes", "t": "7"})
    assert read == {"f": 0.5, "n": 7, "b": True, "t": "7"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n": "0.5"}, "n=0.5 is not a whole number"),
        ({"f": "fast"}, "f=fast is not a number"),
        ({"f": "nan"}, "f=nan is not finite"),
        ({"b": "perhaps"}, "b=perhaps is not true or false"),
        ({"loss": "1"}, "no parameter 'loss'; it has: f, n, b"),
    ],
)
def test_a_parameter_of_the_wrong_type_is_refused(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    path = written(
        tmp_path,
        "@scenario\ndef s(lab: Lab, f: float = 1.0, n: int = 2, b: bool = False) -> None: ...\n",
    )
    (found,) = script.load(path)
    with pytest.raises(BadInput, match=re.escape(said)):
        found.with_parameters(given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "marks no scenario"),
        ("@scenario\ndef s(lab: Lab, n) -> None: ...\n", "parameter n has no default"),
        ("@scenario\ndef s(lab: Lab, n: list = ()) -> None: ...\n", "parameter n is neither"),
        ("import no_such_module\n", "mine.py:3: ModuleNotFoundError"),
        ("def f(:\n", "mine.py:3: SyntaxError"),
        ("raise SystemExit(3)\n", "mine.py:3: SystemExit: 3 in `raise SystemExit(3)`"),
        ("Link(loss=2)\n", "mine.py:3: link: loss of 2 is not a probability in `Link(loss=2)`"),
        (
            "@scenario(name='a')\ndef s(lab: Lab) -> None: ...\n"
            "@scenario(name='a')\ndef t(lab: Lab) -> None: ...\n",
            "two scenarios named 'a'",
        ),
    ],
)
def test_a_mistake_in_a_script_shows_the_users_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        script.load(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_the_trace_of_a_failing_script_holds_the_users_lines_alone(tmp_path: Path) -> None:
    path = written(
        tmp_path, "def inner():\n    return 1 / 0\n@scenario\ndef s(lab: Lab): inner()\n"
    )
    (found,) = script.load(path)
    with pytest.raises(ScriptError) as caught, script.user_errors(path):
        found.function(None)
    assert caught.value.message.endswith("ZeroDivisionError: division by zero in `return 1 / 0`")
    assert caught.value.trace.count("File ") == caught.value.trace.count(str(path)) == 2


def test_a_broken_machine_is_not_the_scripts_mistake(tmp_path: Path) -> None:
    with pytest.raises(CannotRun), script.user_errors(tmp_path / "mine.py"):
        raise CannotRun("the kernel panicked", "try again")


def test_a_missing_script_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the script"):
        script.load(tmp_path / "none.py")
