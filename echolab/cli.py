"""The `echolab` command: the only module that prints, exits or reads the environment."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus, ScriptError
from echolab.terminal import Teller

if TYPE_CHECKING:
    from echolab.engines import Settings
    from echolab.execute import Order, Outcome
    from echolab.record import Record

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A network lab in which each sentence of a lecture on sockets is an experiment.",
)

RUNS = Path("runs")

EngineName = Annotated[str, typer.Option(help="auto, docker, exact or namespaces.")]
Compose = Annotated[Path | None, typer.Option(help="A Compose file of hosts of your own.")]


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


def finish(status: ExitStatus) -> NoReturn:
    """End with one of the exit statuses."""
    raise typer.Exit(int(status))


@app.command()
def run(
    names: Annotated[
        list[str] | None, typer.Argument(help="Scenarios, or files of your own; none for all.")
    ] = None,
    engine: EngineName = "auto",
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Where chance comes from.")
    ] = None,
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A parameter; repeat for more.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the run's folder is made.")] = RUNS,
    compose: Compose = None,
    capture: Annotated[bool, typer.Option(help="Keep packet captures.")] = True,
    report: Annotated[bool, typer.Option(help="Draw the report.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
) -> None:
    """Run scenarios: one line a claim, a folder with the record, captures and report."""
    from echolab import catalogue, engines, execute, plan

    drawn = secrets.randbelow(2**32) if seed is None else seed
    planned = plan.jobs(
        catalogue.find(names or []),
        plan.assignments(set or []),
        compose=compose,
        seed=drawn,
        capture=capture,
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
def report(
    names: Annotated[list[str] | None, typer.Argument(metavar="RUN [RUN]")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the page is written.")] = None,
    text: Annotated[bool, typer.Option(help="Print the packet story instead.")] = False,
    at: Annotated[
        float | None, typer.Option(help="Show the packets from this lab second on, too.")
    ] = None,
) -> None:
    """Judge and draw a run again, or two runs side by side."""
    from echolab import judge, runs
    from echolab.report import files, story

    folders = [runs.resolve(name, RUNS) for name in names or [runs.LATEST]]
    found = [(judge.judge(runs.read(folder)), folder) for folder in folders]
    if text:
        for record, folder in found:
            say(story.text(record, folder, at))
        return
    say(str(_near(files.write(found, out, at))))


@app.command()
def replay(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A run of the engine exact.")],
    out: Annotated[Path, typer.Option(help="Where the new run's folder is made.")] = RUNS,
) -> None:
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
def check(
    name: Annotated[str, typer.Argument(metavar="EXERCISE", help="Its name or number.")],
    submission: Annotated[Path, typer.Argument(help="A folder or a file.")],
    case: Annotated[int | None, typer.Option(min=1, help="Show this case alone.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The network it meets.")] = 1,
) -> None:
    """Check a submission to an exercise: each case passed, failed, or not judged."""
    from echolab.classroom import checking, exercise, text

    order = checking.order(exercise.find(name), submission, seed, case)
    result = checking.only(checking.check(order, equipped(), tell), case)
    say(text.check_text(result).rstrip())
    finish(result.status)


@app.command()
def grade(
    name: Annotated[str, typer.Argument(metavar="EXERCISE", help="Its name or number.")],
    folder: Annotated[Path, typer.Argument(help="One sub-folder a student.")],
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw each student's own network from it.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where reports and exports are written.")] = Path(
        "grades"
    ),
) -> None:
    """Check a class: a table, CSV, JUnit XML, Gradescope and Artemis files, reports."""
    from echolab.classroom import exercise, exports, grading

    students = grading.Class(exercise.find(name), folder, seed)
    results = list(grading.grade(students, equipped(), tell))
    say(exports.to_table(results).rstrip())
    grading.write_all(results, out)
    say(f"\n{out / 'results.csv'}, junit.xml, reports/, gradescope/, artemis/")
    finish(grading.status(results))


@app.command()
def museum(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One exhibit.")] = None,
    test: Annotated[
        Path | None, typer.Option(help="A test program of a student that judges the exhibits.")
    ] = None,
) -> None:
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
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Tell what this machine can do, and how each lack is mended."""
    from echolab import doctor as surgery

    found, able = surgery.examine(settings()), surgery.able(settings())
    say(surgery.as_json(found, able) if as_json else surgery.as_text(found, able))
    finish(ExitStatus.PASS if any(not lack for _, lack in able) else ExitStatus.CANNOT)


@app.command()
def build(
    what: Annotated[str, typer.Argument(help="images, kernel, or both if none.")] = "",
) -> None:
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
def clean(
    cache: Annotated[bool, typer.Option(help="Remove the built kernels, too.")] = False,
) -> None:
    """Remove everything with our label from Docker, and nothing else."""
    from echolab.engines import docker, owner
    from echolab.engines.daemon import connect

    removed = 0 if docker.lack(settings()) else owner.clean(connect())
    if cache:
        shutil.rmtree(cache_folder(), ignore_errors=True)
    say(f"removed {removed} things" + (f" and {cache_folder()}" if cache else ""))


@app.command(context_settings={"ignore_unknown_options": True})
def test(
    words: Annotated[list[str] | None, typer.Argument(help="What pytest is told.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Style and types first.")] = False,
) -> None:
    """Run the project's tests; with CI=true or --all, every other check first."""
    from echolab import checks

    everything = everything or os.environ.get("CI") == "true"
    finish(ExitStatus.PASS if checks.run(words or [], everything=everything) else ExitStatus.FAIL)


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False) or 0
    except typer.Abort:
        status = 130
    except typer.TyperException as error:
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
