"""The pytest plugin, as tests of other people use it: each here is a run of pytest."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from echolab.engines import registry
from echolab.engines.exact import engine
from echolab.resources import COMPOSE
from echolab.settings import Settings
from tests.needs import lacking

PLUGIN = ("-p", "echolab.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:asyncio")

OUTCOME = re.compile(r"(\d+) (passed|failed|skipped|error)")


@dataclasses.dataclass(frozen=True)
class Ended:
    """A run of pytest that has ended: its status, what it printed, how many of each outcome."""

    status: int
    printed: str

    @property
    def outcomes(self) -> dict[str, int]:
        last = next(line for line in reversed(self.printed.splitlines()) if " in " in line)
        return {word: int(number) for number, word in OUTCOME.findall(last)}


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs pytest on a file with this text, in a folder of its own and in a process of its own."""
    here = Settings.from_environment(os.environ)
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")

    def run_pytest(text: str, *words: str, plugins: Sequence[str] = PLUGIN, **more: str) -> Ended:
        (tmp_path / "test_it.py").write_text(textwrap.dedent(text))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", *plugins, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return Ended(done.returncode, done.stdout)

    return run_pytest


LOSES = """
from echolab import Link

def test_everything_arrives(lab):
    lab.shape("client", Link(loss=0.5))
    lab.run("client", ["echo", "said on the client"])
    assert lab.probe("client", "server", count=20).lost == 0
"""


def test_a_failure_shows_the_packets_the_programs_the_seed_and_the_command(
    run: Run,
) -> None:
    result = run(LOSES)
    assert result.outcomes == {"failed": 1}
    shown = result.printed
    assert re.search(r"client +✗ server +#\d+ 64 B \(message \d+\) — dies on the link", shown)
    assert "said on the client" in shown
    again = re.search(r"seed (\d+): pytest (\S+) --lab-engine exact --lab-seed \1", shown)
    assert again and again[2].endswith("::test_everything_arrives")


def test_the_command_that_is_shown_gives_the_same_packets(run: Run) -> None:
    stories = []
    for words in ((), ("--lab-seed", "1"), ("--lab-seed", "1")):
        shown = run(LOSES, *words).printed
        stories.append(shown.partition("lab: packets")[2].partition("lab: programs")[0])
    assert stories[0] != stories[1] == stories[2]


def test_a_claim_that_does_not_hold_fails_the_test(run: Run) -> None:
    result = run(
        """
        def test_holds(lab):
            lab.expect("it is so", True)

        def test_does_not(lab):
            lab.expect("it is so", False)
        """,
    )
    assert result.outcomes == {"passed": 1, "failed": 1}
    assert "✘ fail  it is so" in result.printed


def test_runs_and_reports_are_kept_where_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    result = run(LOSES, "--lab-keep", "kept", "--lab-report", "pages")
    assert result.outcomes == {"failed": 1}
    assert len(list(tmp_path.glob("kept/*-test-everything-arrives-exact/record.json"))) == 1
    (page,) = tmp_path.glob("pages/*.html")
    assert "<svg" in page.read_text(encoding="utf-8")


def test_the_marker_names_hosts_and_seed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text(
        "services: {only: {image: echolab-host, x-echolab: idle}}\n"
    )
    result = run(
        """
        import pytest

        pytestmark = pytest.mark.lab(seed=1)

        @pytest.mark.lab(compose="hosts.yaml", seed=5)
        def test_marked(lab):
            assert lab.hosts == ("only",) and lab.seed == 5

        def test_of_the_module(lab):
            assert lab.hosts == ("server", "client") and lab.seed == 1
            assert lab.host("server").check_output("hostname") == "server"
            assert lab.host("server").socket("udp://0.0.0.0:7").is_listening
        """,
        "--strict-markers",
    )
    assert result.outcomes == {"passed": 2}


def test_a_seed_follows_from_the_tests_name_unless_it_is_given(run: Run) -> None:
    text = """
        def test_one(lab): print("seed", lab.seed)
        def test_two(lab): print("seed", lab.seed)
        """

    def seeds(*words: str) -> list[str]:
        return re.findall(r"seed (\d+)$", run(text, "-s", *words).printed, re.M)

    first, second = seeds(), seeds("-k", "two")
    assert len(set(first)) == 2 and second == first[1:]
    assert seeds("--lab-seed", "9") == ["9", "9"]


def test_engines_are_parameters_and_what_cannot_run_is_skipped_or_fails(run: Run) -> None:
    text = """
        import pytest

        @pytest.mark.lab(engine=["exact", "docker"])
        def test_alike(lab, lab_engine):
            assert lab.engine == lab_engine
        """
    result = run(text, "-v", "-rs", DOCKER_HOST="unix:///nowhere")
    assert result.outcomes == {"passed": 1, "skipped": 1}
    assert "test_alike[exact] PASSED" in result.printed
    assert "the engine docker cannot run here" in result.printed
    assert run(text, "--lab-require", DOCKER_HOST="unix:///nowhere").outcomes == {
        "passed": 1,
        "error": 1,
    }
    assert run(text, "--lab-engine", "exact").outcomes == {"passed": 1}
    assert run(text, "--lab-engine", "namespaces").outcomes == {"skipped": 1}


def test_hypothesis_opens_labs_in_bulk(run: Run) -> None:
    result = run(
        """
        from hypothesis import given, settings, strategies
        from echolab import Link

        @settings(max_examples=8, deadline=None, database=None)
        @given(delay=strategies.integers(1, 50))
        def test_a_delay_is_a_delay(lab_factory, delay):
            with lab_factory(capture=False) as lab:
                lab.shape("client", Link(delay=delay / 1000))
                probe = lab.probe("client", "server", count=2)
                assert abs(probe.median - delay / 1000) < 1e-4
        """,
        "-W",
        "error",
    )
    assert result.outcomes == {"passed": 1}


def test_hypothesis_shows_the_lab_of_the_simplest_failure(run: Run) -> None:
    result = run(
        """
        from hypothesis import given, settings, strategies
        from echolab import Link

        @settings(max_examples=20, deadline=None, database=None)
        @given(delay=strategies.integers(1, 50))
        def test_all_are_quick(lab_factory, delay):
            with lab_factory() as lab:
                lab.shape("client", Link(delay=delay / 1000))
                assert lab.probe("client", "server", count=1).median < 0.03
        """,
    )
    assert result.outcomes == {"failed": 1}
    shown = result.printed
    assert "delay=30" in shown and "labs: packets" in shown


def test_tests_run_beside_one_another(run: Run) -> None:
    pytest.importorskip("xdist")
    text = """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_one(lab, number):
            assert lab.probe("client", "server", count=3).delivered == 3

        def test_fails(lab):
            lab.probe("client", "server", count=1)
            assert False
        """
    result = run(text, "-n", "2")
    assert result.outcomes == {"passed": 4, "failed": 1}
    assert "lab: packets" in result.printed


def test_the_loop_of_an_asynchronous_test_goes_on(run: Run) -> None:
    pytest.importorskip("pytest_asyncio")
    result = run(
        """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_awaits(async_lab):
            turns = 0

            async def turn():
                nonlocal turns
                while True:
                    await asyncio.sleep(0.001)
                    turns += 1

            beside = asyncio.create_task(turn())
            probe = await async_lab.probe("client", "server", count=200)
            beside.cancel()
            assert probe.delivered == 200 and turns > 3
        """,
        plugins=PLUGIN[:-2],
    )
    assert result.outcomes == {"passed": 1}


@pytest.mark.docker
def test_a_test_of_a_lab_on_containers(run: Run) -> None:
    lack = registry.load("docker").lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    text = f"""
        import pytest

        @pytest.mark.lab(compose={str(COMPOSE)!r})
        def test_echoes(lab):
            assert lab.probe("client", "server", count=3).delivered == 3
            assert lab.host("server").socket("udp://0.0.0.0:7").is_listening
        """
    assert run(text, "--lab-engine", "docker").outcomes == {"passed": 1}


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("def test_a(lab): pass", ("--lab-engine", "magic"), "there is no engine 'magic'"),
        (
            "import pytest\n@pytest.mark.lab(sed=1)\ndef test_a(lab): pass",
            (),
            "the marker lab has no sed",
        ),
        (
            "import pytest\n@pytest.mark.lab(compose='no.yaml')\ndef test_a(lab): pass",
            (),
            "no.yaml",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    run: Run, text: str, words: tuple[str, ...], told: str
) -> None:
    result = run(text, *words)
    assert result.status != 0
    assert told in result.printed


def test_a_run_without_a_lab_imports_nothing_of_weight() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import echolab.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert [name for name in done.stdout.split() if name.startswith("echolab")] == [
        "echolab",
        "echolab.pytest_plugin",
    ]
