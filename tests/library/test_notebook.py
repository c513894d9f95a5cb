"""The notebook and the page on labs in programs do what they say: each cell and block is run."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from echolab.engines.exact import engine
from echolab.resources import ROOT
from echolab.settings import Settings
from tests.needs import lacking

DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    monkeypatch.chdir(ROOT)


def result_of(source: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does: what its last line is worth is its result."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "cell", "exec"), names)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_the_notebook_runs_and_what_it_shows_is_drawn() -> None:
    document = json.loads((DOCS / "library.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(one["source"]) for one in document["cells"] if one["cell_type"] == "code"]
    names: dict[str, Any] = {}
    results = [result_of(cell, names) for cell in cells]
    hosts, datagrams, stream, counts, claims, story, report = results
    assert hosts == ("server", "client")
    for drawn in (datagrams, stream, story, report):
        assert "&lt;svg" in drawn._repr_html_()
    assert counts["of the stream"] == 0 and counts["datagrams lost"] > 0
    assert [verdict for _, verdict in claims] == ["pass", "pass"]


def test_the_page_begins_with_lines_that_run(capsys: pytest.CaptureFixture[str]) -> None:
    page = (DOCS / "library.md").read_text(encoding="utf-8")
    first = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(compile(first, "library.md", "exec"), names)
    lost, median = capsys.readouterr().out.split()
    assert int(lost) > 0 and abs(float(median) - 0.05) < 1e-3
    assert names["record"].programs[0].status == 0


def test_the_pages_options_are_those_of_the_plugin() -> None:
    page = (DOCS / "library.md").read_text(encoding="utf-8")
    plugin = (Path(ROOT) / "echolab" / "pytest_plugin.py").read_text(encoding="utf-8")
    options = set(re.findall(r'"(--lab-[a-z]+)"', plugin))
    assert options and options == set(re.findall(r"--lab-[a-z]+", page))
