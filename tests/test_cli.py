"""The command line: exit statuses, one clear line for each bad input, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from echolab.resources import ROOT
from echolab.version import __version__


def echolab(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "echolab", *words],
        cwd=cwd,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(cwd)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "No such command 'rum'"),
        (["run", "--sed", "3"], "No such option"),
        (["run", "lots"], "there is no scenario 'lots'; did you mean loss?"),
        (["run", "loss", "--seed", "x"], "'--seed': 'x' is not a valid whole number"),
        (["run", "loss", "--seed", "-1"], "'--seed': -1 is not in the range 0<=x<="),
        (["check", "1"], "Missing argument 'SUBMISSION'"),
        (["run", "loss", "--set", "loss"], "--set loss is not KEY=VALUE"),
        (["run", "loss", "--set", "lss=1"], "no parameter 'lss'"),
        (["run", "loss", "--set", "count=many"], "count=many is not a whole number"),
        (["run", "loss", "--engine", "dokcer"], "there is no engine 'dokcer'"),
        (["run", "no/such.py"], "cannot read the script"),
        (["run", "loss", "--engine", "exact", "--compose", "none.yaml"], "cannot read none.yaml"),
        (["report", "no-such-run"], "there is no run 'no-such-run'"),
        (["replay", "no-such-run"], "there is no run 'no-such-run'"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(
    words: list[str], said: str, tmp_path: Path
) -> None:
    done = echolab(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == "" and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: [", "lab.yaml:2: not valid YAML"),
        ("hello", "not a Compose file"),
        ("services: {a: {command: {x: 1}}}", "services.a.command: a mapping is not"),
    ],
)
def test_a_malformed_compose_file_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(text, encoding="utf-8")
    done = echolab("run", "loss", "--engine", "exact", "--compose", "lab.yaml", cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_mistake_in_a_users_script_shows_the_users_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from echolab import *\n\nx = 1 / 0\n", encoding="utf-8")
    done = echolab("run", "mine.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.py:3: ZeroDivisionError: division by zero in `x = 1 / 0`" in done.stderr
    assert "Traceback" not in done.stderr and "echolab/scenario/script.py" not in done.stderr


def test_the_list_tells_every_scenario_with_its_sentence() -> None:
    done = echolab("list")
    assert done.returncode == 0
    for name in ("contrast", "latency", "loss"):
        assert f"\n{name} " in f"\n{done.stdout}"
    assert "Allerdings gibt es keine Garantie für das Ankommen des Paketes" in done.stdout
    assert "Expect: 1-(1-p)^2 of the datagrams stay unanswered" in done.stdout


def test_without_a_command_the_help_is_shown() -> None:
    done = echolab()
    assert done.returncode == 0 and "Commands:" in done.stdout


def test_the_help_tells_the_commands_in_the_order_of_their_use() -> None:
    told = echolab("--help").stdout.partition("Commands:\n")[2]
    names = [line.split()[0] for line in told.splitlines() if not line.startswith("   ")]
    assert (
        names[:3] == ["run", "list", "up"] and names[-1] == "test" and names.count("history") == 1
    )


def test_the_help_of_a_command_explains_every_word_it_takes_with_its_default() -> None:
    told = " ".join(echolab("run", "--help").stdout.split())
    for words in (
        "Usage: ./lab run [OPTIONS] [SCENARIO]...",
        "[SCENARIO]... Names, or files of your own; all if none.",
        "--engine NAME auto, docker, exact or namespaces. [default: auto]",
        "--out DIR Where the run's folder is made. [default: runs]",
        "--capture / --no-capture Keep packet captures. [default: capture]",
    ):
        assert words in told


def test_an_interrupt_is_one_line_and_exit_status_130(tmp_path: Path) -> None:
    script = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nsignal.pause()\n"
    (tmp_path / "mine.py").write_text(script, encoding="utf-8")
    done = echolab("run", "mine.py", cwd=tmp_path)
    assert done.returncode == 130 and done.stdout == ""
    assert done.stderr == "echolab: interrupted; what was started has been undone\n"


def test_help_imports_nothing_heavy() -> None:
    """What takes longer than the whole of the rest is imported where it is used."""
    script = (
        "import sys; sys.argv = ['echolab', '--help']\n"
        "from echolab import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'docker', 'dpkt', 'jinja2', 'requests', 'yaml', 'json', 'subprocess'}\n"
        "heavy |= {'echolab.link', 'echolab.record', 'echolab.scenario', 'multiprocessing'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.stderr.strip() == "[]"


def test_a_run_in_the_exact_engine_imports_of_other_peoples_work_only_click_and_yaml() -> None:
    """What a run waits for: docker, dpkt, jinja2 and requests each take as long as all of it."""
    script = (
        "import sys\n"
        "from echolab import cli, packages, resources\n"
        "from echolab.report import terminal\n"
        "from echolab.runs import catalogue, execute, folders, plan\n"
        "from echolab.engines.exact import engine\n"
        "catalogue.topology(resources.COMPOSE)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    ours = {"echolab", "echo_app", "sitecustomize"}
    others = set(done.stdout.split()) - sys.stdlib_module_names - ours
    # PyYAML's binding of libyaml is made with Cython.
    assert {name for name in others if name[0] != "_"} - {"cython_runtime"} == {"click", "yaml"}


def test_the_version_is_told() -> None:
    done = echolab("--version")
    assert done.returncode == 0 and done.stdout == f"echolab {__version__}\n"
