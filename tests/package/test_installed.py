"""An installed echolab is whole, works from any folder, and writes nothing where it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from echolab import __version__, resources
from echolab.classroom import self_test
from echolab.engines.docker import running
from echolab.engines.docker.daemon import connect
from echolab.engines.docker.images import recipes, stamp
from tests.package.conftest import Installed

HERE = Path(__file__).parent

SOLUTION = resources.ROOT / "tests" / "exercises" / "01-stream-client" / "reference-py"

exact = pytest.mark.exact

once = pytest.mark.parametrize("kind", ["source"], indirect=True, scope="session")
"""For what the two distributions, which give the same wheel, cannot differ in."""


def test_the_source_distribution_builds_the_same_wheel(
    distributions: Mapping[str, Path], tmp_path: Path
) -> None:
    with tarfile.open(distributions["source"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"],
        cwd=tree,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (again,) = (tmp_path / "dist").iterdir()
    assert again.read_bytes() == distributions["wheel"].read_bytes()


def test_the_wheel_carries_what_git_knows_of_and_no_more(distributions: Mapping[str, Path]) -> None:
    folders = {"echolab": "echolab"} | {
        name: f"echolab/data/{name}"
        for name in ("compose.yaml", "echo_app", "exercises", "images", "scenarios")
    }
    known = subprocess.run(
        ["git", "ls-files", *folders],
        cwd=resources.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    wanted = {
        name.replace(name.partition("/")[0], folders[name.partition("/")[0]], 1)
        for name in known
        if not name.endswith(".gitignore")
    }
    wanted |= {
        f"echolab/data/references/{path.relative_to(resources.REFERENCES)}"
        for path in resources.REFERENCES.glob(f"[0-9]*/{self_test.REFERENCE}/*")
        if path.is_file()
    }
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        carried = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert carried - {name for name in carried if name.endswith(".gitignore")} == wanted


def test_the_version_is_told(installed: Installed) -> None:
    assert installed.run("echolab", "--version").stdout == f"echolab {__version__}\n"


def test_every_scenario_is_listed(installed: Installed) -> None:
    listed = installed.run("echolab", "list").stdout
    names = [path.stem for path in resources.SCENARIOS.glob("*.py")]
    assert len(names) > 15
    assert all(f"\n{name.replace('_', '-')} " in f"\n{listed}" for name in names)


@once
def test_help_and_messages_name_the_command_that_is_installed(installed: Installed) -> None:
    told = installed.run("echolab", "run", "--help").stdout
    assert told.startswith("Usage: echolab run ")
    assert "  test " not in installed.run("echolab", "--help").stdout
    said = installed.run("echolab", "test", status=4).stderr
    assert said == "echolab: the tests are not installed; run ./lab test in a checkout\n"
    said = installed.run("echolab", "run", "los", status=2).stderr
    assert said == "echolab: there is no scenario 'los'; did you mean loss?\n"


def test_the_interpreter_starts_it_as_a_module_too(installed: Installed) -> None:
    told = installed.run("python", "-m", "echolab", "--help").stdout
    assert told.startswith("Usage: echolab ")


@exact
def test_a_run_in_virtual_time_repeats_to_the_byte_and_is_drawn(guest: Installed) -> None:
    captures = []
    for _ in range(2):
        guest.run("echolab", "run", "loss", "--engine", "exact", "--seed", "1")
        latest = guest.work / "runs" / "latest"
        captures.append({path.name: path.read_bytes() for path in latest.glob("*.pcap")})
    assert len(captures[0]) == 4 and captures[0] == captures[1]
    page = guest.work / "runs" / "latest" / "report.html"
    page.unlink()
    guest.run("echolab", "report")
    text = page.read_text(encoding="utf-8")
    assert "echolab replay" in text and "./lab" not in text
    assert "identical" in guest.run("echolab", "replay", "latest").stdout


@once
@exact
def test_an_exercise_is_checked_and_graded(guest: Installed) -> None:
    guest.give(SOLUTION, "class/ada")
    told = guest.run("echolab", "check", "1", "class/ada").stdout
    assert "passed" in told
    assert "ada" in guest.run("echolab", "grade", "1", "class").stdout
    assert (guest.work / "grades" / "results.csv").is_file()


@once
@exact
def test_the_museum_is_open(guest: Installed) -> None:
    assert "fixed" in guest.run("echolab", "museum", "one-recv").stdout


@once
@exact
def test_the_doctor_finds_an_engine_that_can_run(guest: Installed) -> None:
    found = json.loads(guest.run("echolab", "doctor", "--json").stdout)
    assert "./lab" not in json.dumps(found)


@once
@exact
def test_a_users_script_runs_that_uses_every_public_name(guest: Installed) -> None:
    guest.give(HERE / "every_name_listener.py", "every_name_listener.py")
    script = guest.give(HERE / "every_name.py", "every_name.py")
    guest.run("echolab", "run", script.name, "--engine", "exact", "--seed", "1")


@once
def test_a_users_script_is_checked_strictly_against_what_is_installed(
    installed: Installed, tmp_path: Path
) -> None:
    script = installed.give(HERE / "every_name.py", "every_name.py")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from echolab import Lab\n\n\ndef f(lab: Lab) -> str:\n    return lab.now()\n")
    for file, status in ((script, 0), (wrong, 1)):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mypy", "--strict", "--config-file="),
                *("--cache-dir", tmp_path / "cache", "--python-executable", installed.python),
                file,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout


@once
def test_the_images_are_made_of_the_same_files(installed: Installed) -> None:
    script = (
        "from echolab.engines.docker.images import recipes, stamp\n"
        "print(*(stamp(recipe, 'base') for recipe in recipes()))"
    )
    here = [stamp(recipe, "base") for recipe in recipes()]
    assert installed.run("python", "-c", script).stdout.split() == here


@once
@pytest.mark.docker
def test_containers_are_made_from_the_images_that_it_carries(docker: Installed) -> None:
    made = docker.run("echolab", "build", "images").stdout
    told = docker.run("echolab", "run", "echo", "--engine", "docker", "--seed", "1").stdout
    assert made.startswith("images echolab-host:") and "echo on docker" in told


@once
@pytest.mark.docker
def test_the_lab_of_an_installed_echolab_goes_up_and_down(docker: Installed) -> None:
    api = connect()

    def labs() -> list[running.RunningLab]:
        own = docker.environment.resolve()
        return [lab for lab in running.labs(api) if own in lab.file.parents]

    try:
        assert "echolab down" in docker.run("echolab", "up").stdout
        assert [len(lab.hosts) for lab in labs()] == [2]
    finally:
        for lab in labs():  # somebody else's may be up, too
            docker.run("echolab", "down", "--compose", lab.file)
    assert not labs()
