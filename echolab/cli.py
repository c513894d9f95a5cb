"""The `echolab` command: the only module that prints, exits or reads the environment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click import argument, option

from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus, ScriptError
from echolab.terminal import Teller

if TYPE_CHECKING:
    from echolab.engines import Settings
    from echolab.execute import Order, Outcome
    from echolab.record import Record

RUNS = Path("runs")

PATH = click.Path(path_type=Path)

HELP = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}

out_option = option(
    "--out", type=PATH, metavar="DIR", default=RUNS, help="Where the run's folder is made."
)
exercise_argument = argument("name", metavar="EXERCISE", help="Its name or number.")


def cache_folder() -> Path:
    """Where what is built once is kept: $XDG_CACHE_HOME/echolab or ~/.cache/echolab."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "echolab"


def settings(compose: Path | None = None) -> Settings:
    """The settings of this call, from the environment."""
    from echolab.catalogue import ROOT
    from echolab.engines import Settings

    kernel = os.environ.get("ECHOLAB_KERNEL")
    return Settings(
        folder=Path(),
        cache=cache_folder(),
        compose=compose or ROOT / "compose.yaml",
        kernel=Path(kernel) if kernel else None,
    )


def equipped(compose: Path | None = None) -> Settings:
    """The settings, after installing what a first run lacks where this user may."""
    from echolab import packages

    base = settings(compose)
    packages.ensure(base, tell)
    return base


tell = Teller(sys.stderr)


def say(text: str) -> None:
    """Print a line on standard output."""
    tell.clear()
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(error: EcholabError) -> None:
    """Print an error as one line on standard error, with the user's own lines of a script."""
    tell.clear()
    if isinstance(error, ScriptError) and error.trace:
        sys.stderr.write(error.trace)
    sys.stderr.write(f"echolab: {error}\n")


def colour() -> bool:
    """Whether standard output is a terminal whose user did not refuse colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def width() -> int:
    """Columns that tables may have."""
    return shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else 150


class Commands(click.Group):
    """The commands, told in the order in which they are written: first what is used first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class Whole(click.IntRange):
    """A whole number in a range, called so where it is none."""

    name = "whole number"


def finish(status: ExitStatus) -> NoReturn:
    """End with one of the exit statuses."""
    sys.exit(int(status))


@click.group(cls=Commands, context_settings=HELP)
def app() -> None:
    """A network lab in which each sentence of a lecture on sockets is an experiment."""


@app.command()
@argument(
    "names", nargs=-1, metavar="[SCENARIO]...", help="Names, or files of your own; all if none."
)
@option("--engine", metavar="NAME", default="auto", help="auto, docker, exact or namespaces.")
@option("--seed", type=Whole(0, 2**63 - 1), metavar="N", help="Where chance comes from.")
@option("--set", metavar="KEY=VALUE", multiple=True, help="A parameter; repeat for more.")
@out_option
@option("--compose", type=PATH, metavar="FILE", help="A Compose file of hosts of your own.")
@option("--capture/--no-capture", default=True, help="Keep packet captures.")
@option("--report/--no-report", default=True, help="Draw the report.")
@option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def run(
    names: Sequence[str],
    engine: str,
    seed: int | None,
    set: Sequence[str],
    out: Path,
    compose: Path | None,
    capture: bool,
    report: bool,
    as_json: bool,
) -> None:
    """Run scenarios: one line a claim, a folder with the record, captures and report."""
    from echolab import catalogue, engines, execute, plan

    drawn = int.from_bytes(os.urandom(4)) if seed is None else seed
    planned = plan.jobs(
        catalogue.find(names), plan.assignments(set), compose=compose, seed=drawn, capture=capture
    )
    base = equipped(compose)
    chosen, reason = engines.choose(engine, base)
    orders = plan.orders(planned, chosen.NAME, out)
    sys.stderr.write(f"engine {chosen.NAME} ({reason}), seed {drawn}\n")
    for line in plan.left_out(planned, chosen.NAME):
        sys.stderr.write(f"{line}\n")

    def work(order: Order) -> Outcome:
        return execute.execute(order, chosen, base, tell)

    told: list[tuple[Record, Path]] = []
    errors: list[EcholabError] = []
    for outcome in execute.side_by_side(orders, work, execute.workers_for(chosen.NAME)):
        if outcome.error is not None:
            errors.append(outcome.error)
            complain(outcome.error)
        elif outcome.record is not None:
            told.append((outcome.record, outcome.order.folder))
            _ended(outcome.record, outcome.order.folder, report=report, quiet=as_json)
    records = [record for record, _ in told]
    if as_json:
        say(json.dumps(records, ensure_ascii=False, indent=1))
    elif len(told) > 1:
        from echolab import present

        say("\n" + present.claims_table(records, width()))
        if report:
            from echolab.report import files

            say(f"  {_near(files.write_together(told, out))}")
    finish(execute.status(records, errors))


def _ended(record: Record, folder: Path, *, report: bool, quiet: bool) -> None:
    from echolab import present, runs

    runs.point_latest(folder)
    if not quiet:
        say(present.run(record, width(), colour=colour()))
    path = folder / runs.RECORD
    if report:
        from echolab.report import files

        path = files.write([(record, folder)])
    if not quiet:
        say(f"  {_near(path)}")


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@app.command("list")
def list_scenarios() -> None:
    """List the scenarios, each with its sentence, what to expect and its parameters."""
    from echolab import catalogue

    for entry in catalogue.every():
        scenario = entry.scenario
        say(f"{scenario.name:14}{scenario.summary}")
        if scenario.sentence:
            say(f"{'':14}„{scenario.sentence}“")
        if scenario.expect:
            say(f"{'':14}Expect: {scenario.expect}")
        parameters = " ".join(f"{name}={value}" for name, value in scenario.parameters.items())
        say(f"{'':14}{parameters or 'no parameters'}\n")


@app.command()
def up() -> None:
    """Start the lab of compose.yaml and leave its server standing."""
    from echolab.catalogue import ROOT
    from echolab.engines import standing

    status, output = standing.up(ROOT / "compose.yaml", tell)
    say(output.rstrip())
    if status != 0:
        raise CannotRun(f"the client ended with status {status}", "docker-compose logs")
    say("The client has ended; the server stands until ./lab down.")


@app.command()
def down() -> None:
    """Take down what `up` started."""
    from echolab.catalogue import ROOT
    from echolab.engines import standing

    standing.down(ROOT / "compose.yaml")


@app.command()
@argument("names", nargs=-1, metavar="[RUN [RUN]]", help="Their folders; the latest if none.")
@option("--out", type=PATH, metavar="FILE", help="Where the page is written.")
@option("--text/--no-text", default=False, help="Print the packet story instead.")
@option("--at", type=float, metavar="SECOND", help="Show the packets from that lab second on.")
def report(names: Sequence[str], out: Path | None, text: bool, at: float | None) -> None:
    """Judge and draw a run again, or two runs side by side."""
    from echolab import judge, runs
    from echolab.report import files, story

    folders = [runs.resolve(name, RUNS) for name in names or (runs.LATEST,)]
    found = [(judge.judge(runs.read(folder)), folder) for folder in folders]
    if text:
        for record, folder in found:
            say(story.text(record, folder, at))
        return
    say(str(_near(files.write(found, out, at))))


@app.command()
@argument("name", metavar="RUN", help="A run of the engine exact.")
@out_option
def replay(name: str, out: Path) -> None:
    """Run a record again and say 'identical', or show the first difference."""
    from echolab import engines, runs
    from echolab import replay as again

    folder = runs.resolve(name, RUNS)
    record = runs.read(folder)
    engine, _ = engines.choose(record["engine"], settings())
    for line in again.warnings(record):
        sys.stderr.write(f"{line}\n")
    difference = again.repeat((record, folder), engine, settings(), out, tell)
    say(difference or "identical")
    finish(ExitStatus.FAIL if difference else ExitStatus.PASS)


@app.command()
@exercise_argument
@argument("submission", type=PATH, metavar="SUBMISSION", help="A folder or a file.")
@option("--case", type=Whole(1), metavar="N", help="Show this case alone.")
@option("--seed", type=Whole(0, 2**32 - 1), metavar="N", default=1, help="The network it meets.")
def check(name: str, submission: Path, case: int | None, seed: int) -> None:
    """Check a submission to an exercise: each case passed, failed, or not judged."""
    from echolab.classroom import checking, exercise, text

    order = checking.order(exercise.find(name), submission, seed, case)
    result = checking.only(checking.check(order, equipped(), tell), case)
    say(text.check_text(result).rstrip())
    finish(result.status)


@app.command()
@exercise_argument
@argument("folder", type=PATH, metavar="FOLDER", help="One sub-folder a student.")
@option("--seed", type=Whole(0), metavar="N", help="Draw each student's own network from it.")
@option("--out", type=PATH, metavar="DIR", default="grades", help="Where reports and exports go.")
def grade(name: str, folder: Path, seed: int | None, out: Path) -> None:
    """Check a class: a table, CSV, JUnit XML, Gradescope and Artemis files, reports."""
    from echolab.classroom import exercise, exports, grading

    students = grading.Class(exercise.find(name), folder, seed)
    results = list(grading.grade(students, equipped(), tell))
    say(exports.to_table(results).rstrip())
    grading.write_all(results, out)
    say(f"\n{out / 'results.csv'}, junit.xml, reports/, gradescope/, artemis/")
    finish(grading.status(results))


@app.command()
@argument("name", required=False, help="One exhibit; all if none.")
@option("--test", type=PATH, metavar="FILE", help="A student's test that judges the exhibits.")
def museum(name: str | None, test: Path | None) -> None:
    """Show the lecture's mistakes as servers, each failing and mended."""
    from echolab.classroom import museum as bugs

    if test is not None:
        visits = bugs.test_program(test, equipped(), tell)
        say(bugs.visits_text(visits).rstrip())
        finish(ExitStatus.PASS if all(visit.right for visit in visits) else ExitStatus.FAIL)
    exhibits = bugs.show(name, equipped(), tell)
    say(bugs.show_text(exhibits).rstrip())
    finish(ExitStatus.PASS if bugs.works(exhibits) else ExitStatus.CANNOT)


@app.command()
@option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Tell what this machine can do, and how each lack is mended."""
    from echolab import doctor as surgery

    found, able = surgery.examine(settings()), surgery.able(settings())
    say(surgery.as_json(found, able) if as_json else surgery.as_text(found, able))
    finish(ExitStatus.PASS if any(not lack for _, lack in able) else ExitStatus.CANNOT)


@app.command()
@argument("what", default="", help="images, kernel, or both if none.")
def build(what: str) -> None:
    """Build what `run` would build on first need."""
    if what not in ("", "images", "kernel"):
        raise BadInput(f"there is nothing called '{what}' to build", "choose images or kernel")
    base = equipped()
    if what != "images":
        from echolab.kernel import build as kernels

        kernel = kernels.ensure(base.cache, tell, base.kernel)
        say(f"kernel {kernel.release} from {kernel.source}: {kernel.path}")
    if what != "kernel":
        from echolab.engines import images

        made = images.ensure(tell)
        say(f"images {made.host}, {made.link}")


@app.command()
@option("--cache/--no-cache", default=False, help="Remove the built kernels, too.")
def clean(cache: bool) -> None:
    """Remove everything with our label from Docker, and nothing else."""
    from echolab.engines import docker, owner
    from echolab.engines.daemon import connect

    removed = 0 if docker.lack(settings()) else owner.clean(connect())
    if cache:
        shutil.rmtree(cache_folder(), ignore_errors=True)
    say(f"removed {removed} things" + (f" and {cache_folder()}" if cache else ""))


@app.command(context_settings={"ignore_unknown_options": True})
@argument("words", nargs=-1, metavar="[WORD]...", help="What pytest is told.")
@option("--all", "everything", is_flag=True, help="Style and types first.")
def test(words: Sequence[str], everything: bool) -> None:
    """Run the project's tests; with CI=true or --all, every other check first."""
    from echolab import checks

    everything = everything or os.environ.get("CI") == "true"
    finish(ExitStatus.PASS if checks.run(words, everything=everything) else ExitStatus.FAIL)


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    status = 0
    # `./lab` runs the package; installed, the command has the package's name.
    program = "./lab" if Path(sys.argv[0]).name == "__main__.py" else "echolab"
    try:
        with app.make_context(program, sys.argv[1:] or ["--help"]) as context:
            app.invoke(context)
    except click.exceptions.Exit as ended:
        status = ended.exit_code
    except click.ClickException as error:
        sys.stderr.write(f"echolab: {error.format_message()}\n")
        status = ExitStatus.BAD_INPUT
    except KeyboardInterrupt:
        tell.clear()
        sys.stderr.write("echolab: interrupted; what was started has been undone\n")
        status = 130
    except EcholabError as error:
        complain(error)
        status = error.status
    except BrokenPipeError:
        sys.stderr.close()
        status = 141
    sys.exit(int(status))
