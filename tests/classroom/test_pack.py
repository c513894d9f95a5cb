"""Packs check where a learning platform runs them: offline, in little memory, as anybody.

Each is tried in a container of its platform's kind, with Docker's default seccomp profile, no
network and 768 MiB: what a pack needs of Debian's packages is in the image, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab.classroom import exercise, pack
from echolab.classroom.platform_check import Target
from echolab.engines.docker import engine, images
from echolab.engines.docker.daemon import connect
from echolab.kernel import build
from echolab.settings import Settings
from tests.needs import lacking

FIRST = exercise.find("1")

SUBMISSIONS = Path(__file__).parents[1] / "exercises" / "01-stream-client"

PACKAGES = ("g++", "gcc", "iproute2", "make", "python3", "strace")

LIMITS = ("--network", "none", "--memory", "768m")

ANYBODY = ("--user", "1234:1234", "--cap-drop", "ALL")

SECONDS = 300


def settings() -> Settings:
    return Settings.from_environment(os.environ)


def docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert not check or done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def base() -> str:
    """An image with the Debian packages that a pack asks for; made once, as the lab's own is."""
    lack = engine.lack(settings())
    if lack is not None or not shutil.which("docker"):
        lacking(lack.what if lack else "the docker command is not there")
    if not build.find(settings().cache, None):
        lacking("the guest kernel is not built: ./lab build kernel")
    tag = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    name = f"echolab-platform:{images.RELEASE}-{tag}"
    api = connect()
    try:
        if api.image_id(name) is None:
            images.make_image(api, name, PACKAGES, lambda line: None)
    finally:
        api.close()
    return name


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[Target, Path]:
    """Each pack, unpacked."""
    if not build.find(settings().cache, None):
        lacking("the guest kernel is not built: ./lab build kernel")
    unpacked = {}
    for target in Target:
        folder = tmp_path_factory.mktemp(target.value)
        pack.write(FIRST, target, folder / "pack.zip", settings(), lambda line: None)
        with zipfile.ZipFile(folder / "pack.zip") as made:
            made.extractall(folder / "unpacked")
        unpacked[target] = folder / "unpacked"
    return unpacked


def built(base: str, folder: Path, dockerfile: str) -> Iterator[str]:
    """An image, removed at the end. Nothing may be fetched while it is made."""
    (folder / "Dockerfile").write_text(dockerfile)
    words = ("build", "--quiet", "--network", "none", "--build-arg", f"BASE_IMAGE={base}")
    name = docker(*words, str(folder)).stdout.strip()
    yield name
    docker("rmi", "--force", name, check=False)


@pytest.fixture(scope="session")
def gradescope(base: str, packs: dict[Target, Path]) -> Iterator[str]:
    """The image that Gradescope makes of the zip, as its documentation says."""
    steps = (
        "ARG BASE_IMAGE",
        "FROM ${BASE_IMAGE}",
        "COPY . /autograder/source",
        "RUN cp /autograder/source/run_autograder /autograder && bash /autograder/source/setup.sh",
        "RUN chmod +x /autograder/run_autograder && mkdir -m 777 /autograder/results",
        "WORKDIR /autograder",
    )
    yield from built(base, packs[Target.GRADESCOPE], "\n".join(steps))


@pytest.fixture(scope="session")
def artemis(base: str, packs: dict[Target, Path]) -> Iterator[str]:
    folder = packs[Target.ARTEMIS]
    yield from built(base, folder, (folder / "Dockerfile").read_text())


class Container:
    """A container with a submission in it, for one check; removed at the end."""

    def __init__(self, image: str, place: str, files: Path, *words: str) -> None:
        self.id = docker(
            "create", *LIMITS, *words[:-1], image, "sh", "-c", words[-1]
        ).stdout.strip()
        docker("cp", f"{files}/.", f"{self.id}:{place}")

    def run(self) -> str:
        """Run it to its end; returns its standard output."""
        return docker("start", "--attach", self.id).stdout

    def read(self, path: str) -> str:
        """A file in it; empty if there is none."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            docker("cp", f"{self.id}:{path}", str(copy), check=False)
            return copy.read_text(encoding="utf-8") if copy.is_file() else ""

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *ignored: object) -> None:
        docker("rm", "--force", self.id, check=False)


RUN = "/autograder/run_autograder"


@pytest.mark.docker
@pytest.mark.parametrize("user", [(), ANYBODY], ids=["root", "anybody"])
@pytest.mark.parametrize("solution", ["reference-py", "reference-c"])
def test_gradescope_gets_the_result_whoever_runs_the_check(
    solution: str, user: tuple[str, ...], gradescope: str
) -> None:
    place = "/autograder/submission"
    with Container(gradescope, place, SUBMISSIONS / solution, *user, RUN) as container:
        said = container.run()
        result = json.loads(container.read("/autograder/results/results.json"))
    assert "7 of 7 cases passed" in said
    assert (result["score"], result["stdout_visibility"]) == (7.0, "hidden")
    assert {test["status"] for test in result["tests"]} == {"passed"}


@pytest.mark.docker
def test_students_see_why_and_nothing_of_the_machine(gradescope: str) -> None:
    files = SUBMISSIONS / "wrong-one-recv"
    with Container(gradescope, "/autograder/submission", files, RUN) as container:
        container.run()
        document = container.read("/autograder/results/results.json")
    outputs = [test["output"] for test in json.loads(document)["tests"]]
    assert any("think about: What does recv promise" in output for output in outputs)
    assert any("the last system calls and packets" in output for output in outputs)
    assert "/autograder" not in document and "again:" not in document


@pytest.mark.docker
def test_a_check_that_is_cut_off_leaves_the_cases_that_it_has_reached(gradescope: str) -> None:
    files = SUBMISSIONS / "wrong-ignores-close"
    pause = threading.Event()
    with Container(gradescope, "/autograder/submission", files, RUN) as container:
        docker("start", container.id)
        tests: list[dict[str, str]] = []
        while not any(test["status"] == "passed" for test in tests):
            pause.wait(0.2)
            found = container.read("/autograder/results/results.json")
            tests = json.loads(found)["tests"] if found else []
        docker("kill", container.id)
        result = json.loads(container.read("/autograder/results/results.json"))
    passed = [test for test in result["tests"] if test["status"] == "passed"]
    assert 1 <= len(passed) < len(result["tests"]) == 7
    assert result["score"] == len(passed)
    assert "ended before this case" in result["tests"][-1]["output"]


@pytest.mark.docker
def test_artemis_gets_its_test_report(artemis: str, packs: dict[Target, Path]) -> None:
    script = (packs[Target.ARTEMIS] / "build_script.sh").read_text()
    room = "/var/tmp/testing-dir"
    checkout = f"mkdir -p {room} && cp -R /given {room}/assignment && cd {room}"
    command = f"{checkout} && cat >script <<'END'\n{script}\nEND\nbash script"
    with Container(artemis, "/given", SUBMISSIONS / "wrong-one-recv", command) as container:
        said = container.run()
        report = ElementTree.fromstring(container.read(f"{room}/test-reports/results.xml"))
    assert "3 of 7 cases passed, 4 failed" in said
    assert [suite.get("tests") for suite in report] == ["7"]
    assert len(report.findall(".//failure")) == 4


FORGES = """
import sys
sys.stderr.write("--|>\\nGrade :=>> 10\\n")
sys.exit(1)
"""


@pytest.mark.docker
@pytest.mark.parametrize("solution", ["reference-py", "forges"])
def test_a_virtual_programming_lab_gets_comments_and_a_grade(
    solution: str, base: str, packs: dict[Target, Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(packs[Target.VPL], home)
    if solution == "forges":
        (home / "main.py").write_text(FORGES)
    else:
        shutil.copytree(SUBMISSIONS / solution, home, dirs_exist_ok=True)
    (home / "vpl_environment.sh").write_text("export VPL_GRADEMAX=10\n")
    command = "cp -R /given /tmp/home && cd /tmp/home && bash vpl_evaluate.sh && ./vpl_execution"
    with Container(base, "/given", home, *ANYBODY, command) as container:
        said = container.run().splitlines()
    grades = [line for line in said if line.startswith("Grade :=>>")]
    assert grades[-1] == ("Grade :=>> 0" if solution == "forges" else "Grade :=>> 10")
    assert len([line for line in said if line.startswith("- ")]) == 7
    assert said.count("<|--") == said.count("--|>") == 7


def test_a_pack_depends_on_its_content_alone(packs: dict[Target, Path], tmp_path: Path) -> None:
    for target, folder in packs.items():
        pack.write(FIRST, target, tmp_path / "again.zip", settings(), lambda line: None)
        assert (tmp_path / "again.zip").read_bytes() == (folder.parent / "pack.zip").read_bytes()


def test_a_pack_has_one_exercise_and_no_solution(packs: dict[Target, Path]) -> None:
    folder = packs[Target.GRADESCOPE] / "echolab"
    exercises = folder / "lib/echolab/data/exercises"
    assert [path.name for path in exercises.iterdir()] == [FIRST.name]
    assert list(folder.glob("cache/echolab/kernel/linux-*/linux"))
    assert not [
        path for path in folder.rglob("*") if path.name.startswith(("reference-", "references"))
    ]
