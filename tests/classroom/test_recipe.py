"""How a submission is built and run is found from its files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.classroom import recipe as rule
from echolab.classroom.interpreter import PYTHON
from echolab.classroom.languages import PLACE, Recipe
from echolab.classroom.source_tree import of_texts
from echolab.errors import BadInput


def recipe(files: dict[str, str | bool], called: tuple[str, ...] = ()) -> Recipe:
    """The recipe for files with these texts; True stands for an executable, False for none."""
    texts = {name: text if isinstance(text, str) else "" for name, text in files.items()}
    return rule.recipe(of_texts(texts, [name for name in files if files[name] is True]), called)


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
    assert found.build[0][-3:-1] == ("main.c", "net.c")
    assert found.run == (f"{PLACE}/main",)


def test_a_makefile_is_made_rather_than_the_c_file() -> None:
    found = recipe({"main.c": False, "Makefile": False})
    assert (found.language, found.build, found.made) == ("make", (("make",),), "")


def test_an_executable_run_comes_before_everything() -> None:
    assert recipe({"run": True, "main.py": False}).run == (f"{PLACE}/run",)


def test_a_run_file_that_is_not_executable_names_the_remedy() -> None:
    with pytest.raises(BadInput) as refusal:
        recipe({"run": False, "main.py": False})
    assert "#!/bin/sh" in refusal.value.remedy


def test_java_is_compiled_and_node_is_not() -> None:
    java, node = recipe({"Main.java": False}), recipe({"main.js": False})
    assert java.build[0][0] == "javac"
    assert java.run[-1] == "Main"
    assert (node.build, node.run) == ((), ("node", f"{PLACE}/main.js"))


def test_cpp_files_make_one_program() -> None:
    found = recipe({"server.cc": "int main() {}", "net.cc": False, "net.h": False})
    assert found.build[0][0] == "g++"
    assert found.build[0][-3:-1] == ("net.cc", "server.cc")


def test_a_program_in_src_is_found_where_there_is_none_beside_it() -> None:
    assert recipe({"src/main.py": False, "README.md": False}).run[-1] == f"{PLACE}/src/main.py"
    assert recipe({"src/main.py": False, "a.py": False}).run[-1] == f"{PLACE}/a.py"


def test_files_in_folders_for_other_things_are_not_programs() -> None:
    with pytest.raises(BadInput, match="there is no program"):
        recipe({"old/main.py": False, "tests/main.py": False, "README.md": False})


def test_the_name_that_the_exercise_gives_comes_before_what_is_in_the_files() -> None:
    files: dict[str, str | bool] = {"my_server.py": False, "my_client.py": False}
    assert recipe(files, ("client",)).run[-1] == f"{PLACE}/my_client.py"


def test_a_second_program_is_not_linked_in() -> None:
    texts: dict[str, str | bool] = {
        "main.c": "int main(void)",
        "try.c": "int\nmain(void)",
        "lib/net.c": "/* int main(void) */",
        "test/net2.c": "",
    }
    assert recipe(texts).build[0][-3:-1] == ("lib/net.c", "main.c")


def test_the_class_with_a_main_method_is_run_with_its_package() -> None:
    found = recipe({"a/B.java": "package a; class B { static public void main(String... x)",
                    "a/C.java": "package a;"})  # fmt: skip
    assert found.run[-1] == "a.B"


def test_what_declares_a_java_module_is_no_program() -> None:
    """It would be the only source of `src`."""
    start = "package a; class Main { static void main(String[] x)"
    found = recipe({"src/module-info.java": "module a { }", "src/a/Main.java": start})
    assert found.run[-1] == "a.Main" and found.build[0][-1] == "src/a/Main.java"


def test_a_go_module_may_have_its_program_in_a_folder_of_its_own() -> None:
    """That is Go's own layout; what it is called decides between several."""
    start = "package main\n\nfunc main() {"
    files: dict[str, str | bool] = {
        "go.mod": "module echo", "cmd/client/main.go": start, "cmd/server/main.go": start
    }  # fmt: skip
    assert recipe(files, ("server",)).build[0][-1] == "./cmd/server"
    assert recipe({**files, "main.go": start}).build[0][-1] == "."
    with pytest.raises(BadInput, match="which of cmd/client, cmd/server is the program"):
        recipe(files)


def test_what_a_build_made_is_the_program() -> None:
    found = rule.settled(Recipe("make", (("make",),), (), made=""), ["old", "new"], ["new"], ())
    assert found.run == (f"{PLACE}/new",)
    with pytest.raises(BadInput, match=r"which of a, b, that make made"):
        rule.settled(Recipe("make", (("make",),), (), made=""), ["a", "b"], ["a", "b"], ())
    with pytest.raises(BadInput, match="make made no program"):
        rule.settled(Recipe("make", (("make",),), (), made=""), ["a.o"], ["a.o"], ())


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.booleans(), max_size=6))
def test_any_names_give_a_recipe_or_one_clear_refusal(files: dict[str, str | bool]) -> None:
    try:
        found = recipe(files)
    except BadInput as refusal:
        assert refusal.remedy
    else:
        assert found.run or found.made is not None
