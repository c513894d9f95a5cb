"""The `echolab` command: its words, and what each does."""

from __future__ import annotations

import contextlib
import gc
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click import argument, option

from echolab import (
    classroom_commands,
    clusters,
    command_kinds,
    lab_commands,
    language,
    output,
    resources,
)
from echolab.command_kinds import (
    HELP,
    PATH,
    WholeNumber,
    WithParameters,
    drawn,
    files_options,
)
from echolab.console import (
    as_it_is,
    colour,
    complain,
    equipped,
    errors,
    finish,
    note,
    open_page,
    say,
    screen,
    settings,
    tell,
    warn,
    width,
)
from echolab.errors import BadInput, EcholabError, ExitStatus, unexpected
from echolab.help_pages import Commands
from echolab.language import later
from echolab.language import translate as _
from echolab.maelstrom_command import maelstrom_command
from echolab.runs import interrupts
from echolab.sweep_command import sweep_command
from echolab.version import __version__
from echolab.watch_command import watch_command

if TYPE_CHECKING:
    from echolab.runs.execute import ExecutedRun

RUNS = Path("runs")

out_option = option(
    "--out", type=PATH, metavar="DIR", default=RUNS, help="Where the run's folder is made."
)


@click.group(cls=Commands, context_settings=HELP)
@click.version_option(__version__, prog_name="echolab", message="%(prog)s %(version)s")
@option("--lang", metavar="LANGUAGE", help="en or de; the locale's if none. With any command.")
def app(lang: str | None) -> None:
    """A network lab in which each sentence of a lecture on sockets is an experiment."""


@app.command("run", cls=WithParameters)
@argument(
    "names", nargs=-1, metavar="[SCENARIO]...", help="Names, or files of your own; all if none."
)
@option("--engine", metavar="NAME", default="auto", help="auto, docker, exact or namespaces.")
@option("--seed", type=WholeNumber(0, 2**63 - 1), metavar="N", help="The seed of the run.")
@option("--set", metavar="KEY=VALUE", multiple=True, help="A parameter; repeat for more.")
@out_option
@option("--compose", type=PATH, metavar="FILE", help="A Compose file of hosts of your own.")
@option("--fault", "faults", metavar="FAULT", multiple=True, help="A fault: 'kill a at 1.5 for 2'.")
@files_options
@option("--capture/--no-capture", default=True, help="Keep packet captures.")
@option("--report/--no-report", default=True, help="Draw the report.")
@option("--open", "opened", is_flag=True, help="Open the report in the browser.")
@option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def run_command(
    names: Sequence[str],
    engine: str,
    seed: int | None,
    set: Sequence[str],
    out: Path,
    compose: Path | None,
    faults: Sequence[str],
    capture: bool,
    report: bool,
    opened: bool,
    as_json: bool,
) -> None:
    """Run scenarios: one line a claim, a folder with the record, captures and report."""
    from echolab.engines import registry
    from echolab.runs import catalogue, execute, plan

    seed = drawn(seed)
    planned = plan.plan(
        catalogue.find(names),
        plan.assignments(set),
        compose=compose,
        seed=seed,
        capture=capture,
        environment=os.environ,
        faults=faults,
    )
    base = equipped(compose, engine)
    chosen, reason = registry.choose(engine, base)
    runnable = plan.for_engine(planned, chosen.NAME)
    note(f"{_('engine')} {chosen.NAME} ({_(reason)}), {_('seed')} {seed}")
    for line in plan.left_out(planned, chosen.NAME):
        note(line)
    if as_json:  # otherwise each run shows its own
        warn(dict.fromkeys(line for run in runnable for line in run.warnings))
    ended: list[ExecutedRun] = []
    page: Path | None = None
    with contextlib.closing(execute.execute(runnable, chosen, out, base, tell)) as executed:
        for run in executed:
            ended.append(run)
            page = _show(run, alone=len(runnable) == 1, report=report, quiet=as_json) or page
    told = [(run.record, run.folder) for run in ended if run.record and run.folder]
    records = [record for record, _ in told]
    if as_json:
        from echolab.record.format import dump_all

        as_it_is(output.escaped(dump_all(records), sys.stdout))
    elif told:
        from echolab.report import terminal

        if len(runnable) > 1:
            say(terminal.summary_table(records, width()))
            if report:
                from echolab.runs import reports

                page = reports.write_together(told, out)
                say(f"  {_('page')}: {screen.path(page)}")
        say(f"  {_('next')}: {terminal.next_step(told, resources.COMMAND)}")
    if opened and page:
        open_page(page)
    finish(execute.status(ended))


def _show(run: ExecutedRun, *, alone: bool, report: bool, quiet: bool) -> Path | None:
    """Print how a run ended, draw its report and return where it is."""
    from echolab.report import terminal
    from echolab.runs import folders

    printed = run.error.printed if run.error else run.record.printed if run.record else ""
    if printed:
        as_it_is(printed.rstrip("\n"), errors if quiet else screen)
    if run.error:
        complain(run.error, "" if alone else run.planned.job.scenario, run.folder)
    if run.record is None or run.folder is None:
        return None
    folders.point_latest(run.folder)
    if not quiet:
        say(terminal.run(run.record, width(), colour=colour()))
    page = None
    if report:
        from echolab.runs import reports

        page = reports.write([(run.record, run.folder)])
    if not quiet:
        kind, path = (_("page"), page) if page else (_("record"), run.folder / folders.RECORD)
        say(f"  {kind}: {screen.path(path)}" + ("" if alone else "\n"))
    return page


PARAMETER_HEADINGS = ("--set", later("default"), later("from … to"), later("what it is"))


@app.command("list")
@argument("names", nargs=-1, metavar="[SCENARIO]...", help="Names, or files of your own.")
def list_command(names: Sequence[str]) -> None:
    """List the scenarios, each with its sentence, what to expect and its parameters.

    With names, also what each of their parameters means, its unit and its domain.
    """
    from echolab.runs import catalogue

    for entry in catalogue.find(names):
        scenario = entry.scenario
        say(f"{scenario.name:14}{_(scenario.summary)}")
        if scenario.sentence:
            say(f"{'':14}„{scenario.sentence}“")
        if scenario.expect:
            say(f"{'':14}{_('Expect')}: {_(scenario.expect)}")
        parameters = " ".join(f"{name}={value}" for name, value in scenario.parameters.items())
        say(f"{'':14}{parameters or _('no parameters')}\n")
        if names and scenario.parameters:
            from echolab.report import tables

            say(tables.table(PARAMETER_HEADINGS, catalogue.parameter_rows(scenario), width()))


for command in lab_commands.COMMANDS:
    app.add_command(command)

app.add_command(sweep_command)
app.add_command(watch_command)


@app.command("report")
@argument("names", nargs=-1, metavar="[RUN]...", help="Their folders; the latest if none.")
@option("--out", type=PATH, metavar="FILE", help="Where the page is written.")
@option("--text/--no-text", default=False, help="Print the packet story instead.")
@option("--at", type=float, metavar="SECOND", help="Show the packets from that lab second on.")
@option("--open", "opened", is_flag=True, help="Open the page in the browser.")
def report_command(
    names: Sequence[str], out: Path | None, text: bool, at: float | None, opened: bool
) -> None:
    """Judge and draw a run again, two side by side, or many on a page of their own."""
    from echolab.judge import verdicts
    from echolab.report import story
    from echolab.runs import folders, reports

    chosen = [folders.resolve(name, RUNS) for name in names or (folders.LATEST,)]
    found = [(verdicts.judge(folders.read(folder)), folder) for folder in chosen]
    if text:
        for record, folder in found:
            reports.check_moment(record, folder, at)
            say(story.text(record, folder, at))
        return
    page = reports.write(found, out, at)
    say(f"{_('page')}: {screen.path(page)}")
    if opened:
        open_page(page)


@app.command("replay")
@argument("name", metavar="RUN", help="Its folder.")
@out_option
@files_options
def replay_command(name: str, out: Path) -> None:
    """Run a record again and say 'identical', or show the first difference.

    In real time no two runs are identical: both are drawn side by side.
    """
    from echolab.engines import registry
    from echolab.runs import execute, folders, replay, reports

    folder = folders.resolve(name, RUNS)
    record = folders.read(folder)
    planned = replay.plan(record, os.environ)
    base = replay.settings(record, settings())
    engine, _reason = registry.choose(record.engine, base)
    for line in replay.warnings(record):
        note(line)
    with contextlib.closing(execute.execute([planned], engine, out, base, tell)) as executed:
        run = next(executed)
    if run.error:
        complain(run.error, left=run.folder)
        finish(run.error.status)
    if not record.traits.virtual and run.record is not None and run.folder is not None:
        pair = [(record, folder), (run.record, run.folder)]
        compared = _("time was real, so the two runs are compared: {page}")
        say(compared.format(page=screen.path(reports.write(pair))))
        finish(execute.status([run]))
    difference = replay.difference((record, folder), run)
    say(difference or f"✔ {_('identical')}")
    finish(ExitStatus.FAIL if difference else ExitStatus.PASS)


@app.command("explore", cls=WithParameters)
@argument("name", metavar="SCENARIO", help="Its name, or a file of your own.")
@option("--runs", type=WholeNumber(1), metavar="N", help="Make at most N runs (1000).")
@option("--time", metavar="60s", help="How long to explore.")
@option("--seed", type=WholeNumber(0, 2**31), metavar="N", default=0, help="The seed to draw from.")
@option("--set", metavar="KEY=VALUE", multiple=True, help="A fixed parameter; repeat for more.")
@option("--compose", type=PATH, metavar="FILE", help="A Compose file of hosts of your own.")
@option("--keep-going", is_flag=True, help="Collect distinct failures.")
@files_options
@option("--cluster", metavar="ADDRESS", help="Explore on a Dask cluster's machines.")
@out_option
def explore_command(
    name: str,
    runs: int | None,
    time: str | None,
    seed: int,
    set: Sequence[str],
    compose: Path | None,
    keep_going: bool,
    cluster: str | None,
    out: Path,
) -> None:
    """Look for a run in which a claim does not hold, and make it as simple as can be.

    Seeds, parameters and faults are drawn. Exit status: 0 nothing was found, 1 a claim broke, 3
    a claim broke, but only after other runs in the same guest.
    """
    from echolab.runs import explore, found

    wanted = explore.wanted(runs, time, seed, keep_going=keep_going)
    asked = explore.Asked(name, tuple(set), compose, out)
    base = equipped(compose)
    with clusters.workers(cluster, "exact", base, out / explore.FOLDER) as workers:
        explorer = explore.prepare(asked, wanted, base, os.environ, tell, workers)
        explored = explorer.explore(tell)
    for line in found.told(explorer, explored, width(), tell):
        say(line)
    if explored.interrupted:
        raise KeyboardInterrupt
    if explored.stopped is not None:
        raise explored.stopped
    if explored.unrepeated and not explored.failures:
        finish(ExitStatus.INCONCLUSIVE)
    finish(ExitStatus.FAIL if explored.failures else ExitStatus.PASS)


app.add_command(maelstrom_command)


@app.command("history")
@argument("path", type=PATH, metavar="FILE", help="A run, JSON, or Jepsen's log or EDN.")
@option("--model", metavar="NAME", default="", help="cas-register, kv, counter, set, ….")
@option("--name", metavar="NAME", default="", help="Which history of a run, if it has several.")
@option("--svg", type=PATH, metavar="FILE", help="Where a picture of a violation is written.")
def history_command(path: Path, model: str, name: str, svg: Path | None) -> None:
    """Say whether a history is linearizable, and show the smallest part that is not.

    Models: cas-register, kv, counter, set, queue, stack, lock, log; a run's history has one
    already. Exit status: 0 it is, 1 it is not.
    """
    from echolab.history import linearizability, models
    from echolab.report import violation
    from echolab.runs import folders, histories

    history, claimed = histories.read(path, name)
    if not (model or claimed):
        known = ", ".join(models.MODELS)
        raise BadInput("a history is judged by a model", f"give --model, one of {known}")
    chosen = models.find(model or claimed)
    result = linearizability.check(history, chosen)
    for line in violation.lines(result, chosen, width()):
        say(line)
    if svg is not None and result.violations:
        folders.write(svg, violation.picture(result.violations[0], chosen))
        say(f"\n{screen.path(svg)}")
    finish(ExitStatus.PASS if result.linearizable else ExitStatus.FAIL)


for command in classroom_commands.COMMANDS:
    app.add_command(command)


@app.command("doctor")
@option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor_command(as_json: bool) -> None:
    """Say what this machine can do, and how to get what is missing."""
    from echolab import doctor

    if as_json:
        language.use("en")  # names and words of a document stay
    found, able = doctor.examine(settings()), doctor.able(settings())
    if as_json:
        as_it_is(output.escaped(doctor.as_json(found, able), sys.stdout))
    else:
        say(doctor.as_text(found, able))
    finish(ExitStatus.PASS if any(not lack for _, lack in able) else ExitStatus.CANNOT)


@app.command("build")
@argument("what", default="", help="images, kernel, or both if none.")
@option("--out", type=PATH, metavar="FILE", help="Write the kernel to one file to hand on.")
def build_command(what: str, out: Path | None) -> None:
    """Build now what `run` would build when it first needs it.

    A kernel that was handed on is used where ECHOLAB_KERNEL names its file.
    """
    if what not in ("", "images", "kernel"):
        raise BadInput(f"there is nothing called '{what}' to build", "choose images or kernel")
    if out is not None and what != "kernel":
        raise BadInput("only a kernel is written to a file", "write: build kernel --out FILE")
    from echolab import packages
    from echolab.engines.registry import Needs

    base = settings()
    packages.ensure(base, tell, Needs.IMAGES if what == "images" else packages.ALL)
    if what != "images":
        from echolab.kernel import build as kernels

        kernel = kernels.ensure(base.cache, tell, base.kernel)
        built = _("kernel {release} from {source}: {path}")
        say(built.format(release=kernel.release, source=kernel.source, path=kernel.path))
        if out is not None:
            from echolab.kernel import packed

            packed.pack(kernel, out)
            packed_into = _("one file: {file}; to use it, set ECHOLAB_KERNEL={quoted}")
            say("  " + packed_into.format(file=screen.path(out), quoted=shlex.quote(str(out))))
    if what != "kernel":
        from echolab.engines.docker import images

        made = images.ensure(base.base_image_file, tell)
        say(_("images {host}, {link}").format(host=made.host, link=made.link))


@app.command("clean")
@option("--cache/--no-cache", default=False, help="Remove the built kernels as well.")
def clean_command(cache: bool) -> None:
    """Remove everything that echolab left in Docker, and nothing else."""
    from echolab.engines.docker import engine, owner
    from echolab.engines.docker.daemon import connect

    removed = 0 if engine.lack(settings()) else owner.clean(connect())
    built = settings().cache
    if cache:
        shutil.rmtree(built, ignore_errors=True)
    say(_("removed {count} things").format(count=removed) + (f", {built}" if cache else ""))


@app.command("test", hidden=resources.INSTALLED, context_settings={"ignore_unknown_options": True})
@argument("words", nargs=-1, metavar="[WORD]...", help="Arguments for pytest.")
@option("--all", "everything", is_flag=True, help="Check style, spelling and types first.")
def test_command(words: Sequence[str], everything: bool) -> None:
    """Run the project's tests; with CI=true or --all, every other check first."""
    from echolab import test

    everything = everything or os.environ.get("CI") == "true"
    finish(ExitStatus.PASS if test.run(words, everything=everything) else ExitStatus.FAIL)


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    gc.set_threshold(50_000)  # modules and records are many objects that stay
    interrupts.install()
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)  # it takes the place of the closed descriptor
    sys.stdout = output.prepare(sys.stdout, 1)
    sys.stderr = output.prepare(sys.stderr, 2)
    try:
        status = _status()
        sys.stdout.flush()
    except (output.OutputClosed, BrokenPipeError):
        status = 141  # the shell's status for a program that SIGPIPE has ended
    except KeyboardInterrupt:
        status = 130
    except EcholabError as error:  # not even an error could be written
        status = error.status
    interrupts.ignore()
    if status == 141:
        output.silence(sys.stdout)
        output.silence(sys.stderr)
    gc.freeze()  # otherwise the interpreter examines every object once more at its end
    sys.exit(status)


def _status() -> int:
    """Run the command that was given, and return the exit status."""
    try:
        words = command_kinds.language_first(sys.argv[1:])
        chosen = words[1] if words[:1] == ["--lang"] and len(words) > 1 else None
        language.use(chosen or language.of_environment(os.environ))
        with app.make_context(resources.COMMAND, words or ["--help"]) as context:
            app.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except SystemExit as ended:
        return int(ended.code or 0)
    except click.ClickException as error:
        note(f"echolab: {error.format_message()}")
        return ExitStatus.BAD_INPUT
    except EcholabError as error:
        complain(error)
        return error.status
    except KeyboardInterrupt:
        interrupts.ignore()
        note(f"echolab: {_('interrupted; what was started has been undone')}")
        return 130
    except (output.OutputClosed, BrokenPipeError):
        raise
    except Exception as error:
        if "ECHOLAB_TRACEBACK" in os.environ:
            raise
        output.silence(sys.stdout)  # click's own output may be what cannot be written
        complain(unexpected(error))
        return ExitStatus.CANNOT
    return ExitStatus.PASS
