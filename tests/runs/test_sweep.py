"""Sweeps: the grid, what its runs come to, and that an interrupted one goes on where it stopped."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

import click.testing
import pytest
import scipy.stats

from echolab import cli
from echolab.engines import registry
from echolab.engines.exact import engine
from echolab.errors import BadInput
from echolab.runs import catalogue, figures, grid, sweep, sweep_page
from echolab.runs.figures import Figure
from echolab.runs.sweep import Done, Sweep
from echolab.settings import Settings
from tests.needs import lacking


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("loss=0:0.3:0.1", ("0", "0.1", "0.2", "0.3")),
        ("loss=0%:10%:5%", ("0%", "5%", "10%")),
        ("delay=10ms,50ms", ("10ms", "50ms")),
        ("count=100:10:-45", ("100", "55", "10")),
        ("loss=0:1:0.4,0.9", ("0", "0.4", "0.8", "0.9")),
        ("loss=1:1:1", ("1",)),
    ],
)
def test_an_axis_has_exactly_the_values_that_are_written(
    text: str, values: tuple[str, ...]
) -> None:
    assert grid.axis(text) == grid.Axis(text.partition("=")[0], values)


@pytest.mark.parametrize(
    "text", ["loss", "=1", "loss=", "loss=1,,2", "loss=0:1:0", "loss=0:1:-1", "loss=0:x:1"]
)
def test_what_is_no_axis_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--over"):
        grid.axis(text)


def test_a_parameter_varies_once() -> None:
    with pytest.raises(BadInput, match="stands twice"):
        list(grid.points([grid.axis("a=1,2"), grid.axis("a=3")]))


@pytest.mark.parametrize("freedom", range(1, 60))
def test_the_quantiles_are_those_of_students_t(freedom: int) -> None:
    assert figures.student(freedom) == pytest.approx(scipy.stats.t.ppf(0.975, freedom), rel=2e-3)


def test_counts_become_shares_and_other_figures_means() -> None:
    share = figures.summary([Figure(3, 10, 0.25), Figure(2, 10, 0.25)])
    assert share is not None and (share.value, share.theory) == (0.25, 0.25)
    assert share.low < 0.25 < share.high
    none = figures.summary([Figure(0, 10)])
    assert none is not None and none.low == 0 < none.high
    mean = figures.summary([Figure(1.0), Figure(3.0)])
    assert mean is not None and mean.value == 2 and mean.high == pytest.approx(2 + 12.706)
    assert figures.summary([]) is None


@pytest.fixture
def settings() -> Settings:
    here = Settings.from_environment(os.environ)
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    return here


def planned(out: Path, seeds: int = 2, over: str = "loss=0:0.4:0.2") -> Sweep:
    (entry,) = catalogue.find(["loss"])
    return sweep.plan(
        entry,
        [grid.axis(over)],
        {"count": "40"},
        seeds,
        engine=registry.load("exact"),
        compose=None,
        environment={},
        out=out,
    )


def performed(made: Sweep, settings: Settings) -> list[Done]:
    return list(sweep.execute(made, registry.load("exact"), settings, lambda line: None))


def results(done: list[Done]) -> Mapping[str, float]:
    return {one.run.key: one.figures["datagrams.lost"].value for one in done}


def test_a_sweep_gives_a_figure_with_theory_for_each_point(
    settings: Settings, tmp_path: Path
) -> None:
    made = planned(tmp_path)
    done = performed(made, settings)
    assert len(done) == 6 and not any(one.error for one in done)
    rows = sweep.rows(made, done, "datagrams.lost")
    theories = [row.summary.theory for row in rows if row.summary]
    assert theories == pytest.approx([0, 0.36, 0.64])
    page = sweep_page.draw(made, rows, "datagrams.lost")
    assert page.count("<svg") == 1 and "theory" in page
    told = list(csv.DictReader(sweep.csv_of(made, rows, "datagrams.lost").splitlines()))
    assert [one["loss"] for one in told] == ["0", "0.2", "0.4"]
    assert not list(made.folder.glob(".guest-*"))


def test_an_interrupted_sweep_goes_on_where_it_stopped(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "TOGETHER", 2)
    whole = results(performed(planned(tmp_path / "whole"), settings))
    made = planned(tmp_path / "cut")
    begun = sweep.execute(made, registry.load("exact"), settings, lambda line: None)
    next(begun)
    begun.close()
    file = made.folder / sweep.RUNS
    before = file.read_text()
    assert 1 <= before.count("\n") < 6
    file.write_text(before + '{"point": {"loss": "0"}, "se')  # as a full disk leaves it
    assert results(performed(made, settings)) == whole
    assert len(sweep.earlier(made.folder)) == 6
    more = results(performed(planned(tmp_path / "cut", seeds=3), settings))
    assert len(more) == 9 and whole.items() <= more.items()


def test_a_run_that_breaks_down_is_told_and_the_others_go_on(
    settings: Settings, tmp_path: Path
) -> None:
    script = tmp_path / "breaks.py"
    script.write_text(
        "from echolab import Lab, scenario\n"
        "@scenario\n"
        "def breaks(lab: Lab, count: int = 1) -> None:\n"
        "    assert count != 2, 'so it is'\n"
        "    lab.expect_none('lost', lab.probe('client', 'server', count=count).lost)\n"
    )
    command = ["sweep", str(script), "--over", "count=1:3:1", "--seeds", "1"]
    done = click.testing.CliRunner().invoke(
        cli.app, [*command, "--figure", "datagrams.answered", "--out", str(tmp_path)]
    )
    assert done.exit_code == 4
    assert "so it is" in done.output
    assert re.search(r"^ +3 +1 +1 ", done.output, re.M)
    refused = click.testing.CliRunner().invoke(
        cli.app, [*command, "--figure", "datagrams.found", "--out", str(tmp_path)]
    )
    assert isinstance(refused.exception, BadInput)
    assert "they have: datagrams.lost" in str(refused.exception)
