"""Variables in the values of a Compose file."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.compose.interpolation import NotValid, substitute

VARIABLES = {"SET": "value", "EMPTY": "", "lower_1": "low", "HOME": "/root"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("plain", "plain"),
        ("$SET", "value"),
        ("${SET}", "value"),
        ("$SET-x ${SET}y", "value-x valuey"),
        ("$lower_1.", "low."),
        ("$$SET $$ $${SET}", "$SET $ ${SET}"),
        ("price$$5", "price$5"),
        ("[$UNSET]", "[]"),
        ("[${UNSET}]", "[]"),
        ("${UNSET:-a}${UNSET-b}${EMPTY:-c}${EMPTY-d}", "abc"),
        ("${SET:-a}${SET-b}", "valuevalue"),
        ("${SET:+a}${SET+b}${EMPTY:+c}${EMPTY+d}${UNSET:+e}${UNSET+f}", "abd"),
        ("${SET:?gone}${SET?gone}${EMPTY?gone}", "valuevalue"),
        ("${UNSET:-${SET}}", "value"),
        ("${UNSET:-${EMPTY:-${SET}}}!", "value!"),
        ("${UNSET:-$SET/x}", "value/x"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:b-c?d+e}", "a:b-c?d+e"),
        ("${UNSET:-$$x}", "$x"),
        ("${UNSET:-{}}", "{}"),
        ("${SET:-${UNSET:?never asked}}", "value"),
    ],
)
def test_each_form_means_what_the_specification_says(text: str, meant: str) -> None:
    assert substitute(text, VARIABLES.get) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${UNSET:?it is needed}", "the variable UNSET has no value: it is needed"),
        ("${EMPTY:?}", "the variable EMPTY has no value"),
        ("${UNSET?say $SET}", "the variable UNSET has no value: say value"),
        ("${EMPTY:-${UNSET:?gone}}", "UNSET has no value: gone"),
        ("$", "a '$' that begins no variable"),
        ("a$ b", "a '$' that begins no variable"),
        ("$5", "a '$' that begins no variable"),
        ("${", "without its '}'"),
        ("${SET", "without its '}'"),
        ("${}", "does not begin with a variable's name"),
        ("${5}", "does not begin with a variable's name"),
        ("${SET/a/b}", "not a form that Compose knows"),
        ("${SET:x}", "not a form that Compose knows"),
        ("${A:-" * 60 + "}" * 60, "more than 50 variables"),
    ],
)
def test_what_is_no_form_is_not_valid(text: str, said: str) -> None:
    with pytest.raises(NotValid) as caught:
        substitute(text, VARIABLES.get)
    assert said in str(caught.value)


def test_a_variable_without_value_or_default_is_told() -> None:
    told: list[str] = []
    assert substitute("$A ${B} ${C:-x} ${EMPTY} ${D+x}", VARIABLES.get, told.append) == "  x  "
    assert told == ["A", "B"]


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of a text, and what it would mean by the words of the specification."""

    name: str
    operator: str
    word: tuple[Variable | str, ...]
    braces: bool

    def written(self) -> str:
        if not self.braces:
            return f"${self.name}"
        inner = "".join(write(part) for part in self.word) if self.operator else ""
        return f"${{{self.name}{self.operator}{inner}}}"

    def meaning(self) -> str:
        value = VARIABLES.get(self.name)
        operator = self.operator if self.braces else ""
        missing = value is None or (operator.startswith(":") and value == "")
        if operator.endswith("-") and missing:
            return "".join(mean(part) for part in self.word)
        if operator.endswith("+"):
            return "" if missing else "".join(mean(part) for part in self.word)
        return value or ""


def write(part: Variable | str) -> str:
    return part.replace("$", "$$") if isinstance(part, str) else part.written()


def mean(part: Variable | str) -> str:
    return part if isinstance(part, str) else part.meaning()


texts = st.text("ab/:-+?$ ", min_size=1, max_size=4).map(lambda text: text + ".")
parts: st.SearchStrategy[Variable | str] = st.recursive(
    texts,
    lambda inner: st.builds(
        Variable,
        st.sampled_from([*VARIABLES, "UNSET", "_other"]),
        st.sampled_from(["", "-", ":-", "+", ":+"]),
        st.lists(inner, max_size=3).map(tuple),
        st.just(True),
    ),
    max_leaves=8,
)


@given(st.lists(parts, max_size=4))
def test_a_text_means_what_the_variables_it_was_written_from_mean(
    given_parts: list[Variable | str],
) -> None:
    text = "".join(write(part) for part in given_parts)
    assert substitute(text, VARIABLES.get) == "".join(mean(part) for part in given_parts)


@given(st.text("aA_1${}:-+? ", max_size=24))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        substitute(text, VARIABLES.get)
    except NotValid as error:
        assert str(error)


def test_the_shell_means_the_same_by_the_same_forms() -> None:
    """Of dash or whatever sh is here: POSIX parameter expansion is where the forms are from."""
    shell = shutil.which("sh")
    assert shell is not None
    names = [*VARIABLES, "UNSET"]
    forms = [f"${{{name}{operator}w}}" for name in names for operator in ("-", ":-", "+", ":+")]
    forms += [f"${name}" for name in names] + ["${UNSET:-${EMPTY:-$SET}}"]
    script = "".join(f'printf "%s\\n" "{form}"\n' for form in forms)
    done = subprocess.run(
        [shell, "-c", script], env=VARIABLES, capture_output=True, text=True, check=True, timeout=20
    )
    assert [substitute(form, VARIABLES.get) for form in forms] == done.stdout.splitlines()
