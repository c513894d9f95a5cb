"""How a submission is built and run is found from its files' names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.classroom.interpreter import PYTHON
from echolab.classroom.recipe import PLACE, recipe
from echolab.errors import BadInput


def test_a_single_python_file_is_run_whatever_its_name() -> None:
    found = recipe({"my_client.py": False})
    assert found.run == (PYTHON, f"{PLACE}/my_client.py")
    assert found.build == ()


def test_main_is_chosen_among_several_python_files() -> None:
    assert recipe({"helper.py": False, "main.py": False}).run[-1] == f"{PLACE}/main.py"


def test_several_python_files_without_main_are_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"which of a\.py, b\.py"):
        recipe({"a.py": False, "b.py": False})


def test_all_c_files_make_one_program() -> None:
    found = recipe({"net.c": False, "main.c": False, "net.h": False})
    assert found.build[0][-2:] == ("main.c", "net.c")
    assert found.run == (f"{PLACE}/main",)


def test_a_makefile_is_made_rather_than_the_c_file() -> None:
    found = recipe({"main.c": False, "Makefile": False})
    assert (found.language, found.build) == ("C with make", (("make",),))


def test_an_executable_run_comes_before_everything() -> None:
    assert recipe({"run": True, "main.py": False}).run == (f"{PLACE}/run",)


def test_a_run_file_without_its_bit_names_the_remedy() -> None:
    with pytest.raises(BadInput) as refusal:
        recipe({"run": False, "main.py": False})
    assert refusal.value.remedy == "chmod +x run"


def test_java_is_compiled_and_node_is_not() -> None:
    java, node = recipe({"Main.java": False}), recipe({"main.js": False})
    assert java.build[0][0] == "javac"
    assert java.run[-1] == "Main"
    assert (node.build, node.run) == ((), ("node", f"{PLACE}/main.js"))


def test_files_in_folders_are_no_programs() -> None:
    with pytest.raises(BadInput, match="no program"):
        recipe({"src/main.py": False, "README.md": False})


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.booleans(), max_size=6))
def test_any_names_give_a_recipe_or_one_clear_refusal(files: dict[str, bool]) -> None:
    try:
        found = recipe(files)
    except BadInput as refusal:
        assert refusal.remedy
    else:
        assert found.run
