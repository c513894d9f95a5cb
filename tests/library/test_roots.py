"""Images that the user brings, and folders that binds may reach, wherever a lab comes up."""

from __future__ import annotations

import dataclasses
import os
import textwrap
from pathlib import Path

import pytest

import echolab
from echolab import BadInput
from echolab.engines import registry
from echolab.engines.docker.images import check_roots
from echolab.engines.exact import engine
from echolab.library.bulk import Bulk
from echolab.runs import catalogue, explore, grid, sweep
from echolab.settings import Settings
from tests.needs import lacking
from tests.roots.archives import entry
from tests.roots.busybox import image

pytestmark = pytest.mark.exact

SCENARIO = """
from echolab import Lab, Parameter, scenario

@scenario(measured=False, parameters={"count": Parameter("how many", "", 1, 3)})
def reads(lab: Lab, count: int = 1) -> None:
    said = lab.run("a", ["cat", "/said", "/shown/said"]).stdout
    lab.expect_equal("what the files say", said, "of the image, of the machine")
"""


@pytest.fixture(autouse=True)
def settings() -> Settings:
    found = Settings.from_environment(os.environ)
    if lack := engine.lack(found):
        lacking(f"{lack.what}; {lack.remedy}")
    return found


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """A folder beside that of the Compose file."""
    folder = tmp_path / "elsewhere"
    folder.mkdir(mode=0o755)
    (folder / "said").write_text("of the machine", encoding="utf-8")
    return folder


@pytest.fixture
def compose(tmp_path: Path, shown: Path) -> Path:
    """A Compose file with a host of an image, which is shown that folder."""
    (tmp_path / "lab").mkdir()
    file = tmp_path / "lab" / "compose.yaml"
    bind = f"{shown}:/shown:ro"
    file.write_text(f"services: {{a: {{image: own, volumes: ['{bind}'], x-echolab: idle}}}}")
    return file


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The archive of that image."""
    return image(tmp_path / "own.tar", tmp_path, [entry("said", b"of the image, ")])


def test_a_lab_that_is_opened_has_the_images_that_it_is_given(
    compose: Path, own: Path, shown: Path
) -> None:
    given = {"compose": compose, "roots": {"own": own}, "reach": [shown], "capture": False}
    with echolab.open("exact", **given) as lab:  # type: ignore[arg-type]
        assert "of the image, of" in lab.run("a", ["cat", "/said", "/shown/said"]).stdout
    with Bulk() as bulk:
        for seed in (1, 2):
            with bulk.open(seed=seed, **given) as lab:  # type: ignore[arg-type]
                assert "of the image, of" in lab.run("a", ["cat", "/said", "/shown/said"]).stdout
    with pytest.raises(BadInput, match="outside of"):
        echolab.open("exact", compose=compose, roots={"own": own})


def test_explore_and_sweep_have_them_too(
    compose: Path, own: Path, shown: Path, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "reads.py"
    path.write_text(textwrap.dedent(SCENARIO), encoding="utf-8")
    here = dataclasses.replace(settings, compose=compose, roots={"own": str(own)}, reach=(shown,))
    asked = explore.Asked(str(path), compose=compose, out=tmp_path / "runs")
    wanted = explore.wanted(2, None, 0, keep_going=False)
    explored = explore.prepare(asked, wanted, here, {}).explore(lambda line: None)
    assert explored.runs == 2 and not explored.failures
    exact = registry.load("exact")
    (scenario,) = catalogue.find([str(path)])

    def plan(of: Settings) -> sweep.Sweep:
        axis = grid.axis("count=1,2")
        return sweep.plan(
            scenario,
            [axis],
            {},
            1,
            engine=exact,
            compose=compose,
            environment={},
            out=tmp_path,
            roots=of.roots,
        )

    done = list(sweep.execute(plan(here), exact, here, lambda line: None))
    assert [one.verdict for one in done] == ["pass", "pass"]
    other = image(tmp_path / "other.tar", tmp_path, [entry("said", b"of another image")])
    another = dataclasses.replace(here, roots={"own": str(other)})
    assert plan(another).folder != plan(here).folder


def test_docker_has_images_of_its_own(settings: Settings, own: Path) -> None:
    with pytest.raises(BadInput, match="Docker has images of its own") as caught:
        check_roots(dataclasses.replace(settings, roots={"own": str(own)}))
    assert f"docker load -i {own}" in caught.value.remedy
