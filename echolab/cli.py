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

from echolab.errors import EcholabError, ExitStatus, ScriptError

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


# --- the edge: environment, standard error, exit


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


class Teller:
    """Shows progress on standard error: one line that changes on a terminal, else lines."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def __call__(self, line: str) -> None:
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\033[K{line[:width]}")
        elif line != self._shown:
            sys.stderr.write(f"{line}\n")
        self._shown = line
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the changing line away before something else is printed."""
        if self._terminal and self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
        self._shown = ""


tell = Teller()


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


# --- commands


@app.command()
def run(
    names: Annotated[
        list[str] | None, typer.Argument(help="Scenarios, or files of your own; none for all.")
    ] = None,
    engine: EngineName = "auto",
    seed: Annotated[
        int | None, typer.Option(help="Where chance comes from; drawn if none.")
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

    entries = catalogue.find(names or [])
    given = plan.assignments(set or [])
    plan.check(entries, given)
    chosen, reason = engines.choose(engine, settings(compose))
    drawn = secrets.randbelow(2**32) if seed is None else seed
    request = plan.Request(chosen.NAME, drawn, given, out, compose, capture)
    orders = plan.orders(entries, request)
    sys.stderr.write(f"engine {chosen.NAME} ({reason}), seed {drawn}\n")
    for line in plan.left_out(entries, chosen.NAME):
        tell(line)
    base = settings(compose)

    def work(order: Order) -> Outcome:
        return execute.execute(order, chosen, base, tell)

    records: list[Record] = []
    errors: list[EcholabError] = []
    for outcome in execute.side_by_side(orders, work, execute.workers_for(chosen.NAME)):
        if outcome.error is not None:
            errors.append(outcome.error)
            complain(outcome.error)
        elif outcome.record is not None:
            records.append(outcome.record)
            _ended(outcome, outcome.record, report=report, quiet=as_json)
    if as_json:
        say(json.dumps(records, ensure_ascii=False, indent=1))
    elif len(records) > 1:
        from echolab import present

        say("\n" + present.claims_table(records, width()))
    finish(status_of(records, errors))


def _ended(outcome: Outcome, record: Record, *, report: bool, quiet: bool) -> None:
    from echolab import runs

    runs.point_latest(outcome.order.folder)
    if not quiet:
        show(record)
    path = draw_report(outcome) if report else outcome.order.folder / runs.RECORD
    if not quiet:
        say(f"  {_near(path)}")


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def show(record: Record) -> None:
    """Print a run: its heading, its probes as a table, a line a claim, warnings."""
    from echolab import present

    say(present.heading(record))
    if len(record["probes"]) > 1:
        say(present.table(present.PROBE_HEADINGS, present.probe_rows(record), width()))
    for claim in record["claims"]:
        say(present.claim_line(claim, colour=colour()))
    for warning in record["warnings"]:
        tell(f"warning: {warning}")
    if not record["claims"]:
        say("  ? inconclusive  the scenario states no claim")


def draw_report(outcome: Outcome) -> Path:
    """Write the report of a run beside its record and return its path."""
    from echolab import runs
    from echolab.report import page

    assert outcome.record is not None
    path = outcome.order.folder / runs.REPORT
    runs.write(path, page.draw([(outcome.record, outcome.order.folder)]))
    return path


def status_of(records: list[Record], errors: list[EcholabError]) -> ExitStatus:
    """The exit status of a run: the worst of what happened, errors before verdicts."""
    from echolab.record import FAIL, INCONCLUSIVE

    if errors:
        return max(error.status for error in errors)
    verdicts = {record["verdict"] for record in records}
    if FAIL in verdicts:
        return ExitStatus.FAIL
    return ExitStatus.INCONCLUSIVE if INCONCLUSIVE in verdicts else ExitStatus.PASS


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


# --- main


def _interrupted(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    signal.signal(signal.SIGTERM, _interrupted)
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
