"""The pytest plugin: a lab for each test that asks for one, and its details if the test fails.

Every run of pytest loads it where echolab is installed. So it imports nothing slow until a test
asks for a lab.
"""

from __future__ import annotations

import shlex
import zlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from echolab.library.awaited import AsyncLab
    from echolab.library.bulk import Bulk
    from echolab.library.lab import OpenLab

MARKER = "lab"

USUAL_ENGINE = "exact"

SAID = (
    "lab(compose=FILE, engine=NAME, seed=N, folders=[…], capture=True, limit=SECONDS): the lab of "
    "the fixtures lab, async_lab and lab_factory. FILE is found from the test's own folder; "
    "several engines make a test of each."
)

LABS = pytest.StashKey[list["OpenLab"]]()
"""The labs that a test has opened, in order."""

KEPT_OF_OUTPUT = 4000
"""How many characters of each program's output a failure shows."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that begin with --lab."""
    group = parser.getgroup("echolab", "labs (echolab)")
    group.addoption(
        "--lab-engine",
        metavar="NAME",
        help=f"exact, docker or namespaces (default: {USUAL_ENGINE})",
    )
    group.addoption(
        "--lab-seed",
        metavar="N",
        type=int,
        help="the seed of every lab (default: from the test's name)",
    )
    group.addoption(
        "--lab-keep",
        metavar="DIR",
        nargs="?",
        const="runs",
        help="keep the run of every lab below DIR (runs), as ./lab run does",
    )
    group.addoption(
        "--lab-report", metavar="DIR", help="draw the report of every lab of a failed test in DIR"
    )
    group.addoption(
        "--lab-require",
        action="store_true",
        help="fail tests whose engine cannot run here, in place of skipping them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the object that follows the tests."""
    config.addinivalue_line("markers", SAID)
    config.pluginmanager.register(Follower(), "echolab-follower")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each engine that the marker names."""
    if "lab_engine" not in metafunc.fixturenames:
        return
    named = _marked(metafunc.definition).get("engine")
    if named is None or isinstance(named, str):
        return
    chosen = metafunc.config.getoption("--lab-engine")
    engines = [name for name in named if chosen in (None, name)]
    skip = pytest.mark.skip(reason=f"its marker does not name the engine {chosen}")
    metafunc.parametrize(
        "lab_engine", engines or [pytest.param(str(chosen), marks=skip)], indirect=True
    )


def _marked(node: pytest.Item | pytest.Collector) -> dict[str, Any]:
    """The markers' arguments for a test; those nearest to it win."""
    found: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers(MARKER))):
        found |= mark.kwargs
    return found


class Follower:
    """Follows the tests: which one runs, what its labs claimed, how they ended."""

    def __init__(self) -> None:
        self.item: pytest.Item | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note which test's fixtures open labs."""
        self.item = item

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Fail a test that passed although a claim of one of its labs does not hold."""
        result = yield
        for lab in item.stash.get(LABS, []):
            if lab.claims:
                _judge(lab)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show the labs of a test that failed."""
        report = yield
        if call.when == "call":
            labs = item.stash.get(LABS, [])
            if report.failed and labs:
                report.sections += _sections(item, labs[-1], len(labs))
            item.stash[LABS] = []
            for lab in labs:
                lab.close()
        return report


def _judge(lab: OpenLab) -> None:
    from echolab.record import FAIL, INCONCLUSIVE
    from echolab.report.terminal import claim_line

    record = lab.record()
    if record.verdict in (FAIL, INCONCLUSIVE):
        lines = [claim_line(claim, colour=False) for claim in record.claims]
        pytest.fail("\n".join(["a claim of the lab does not hold", *lines]), pytrace=False)


def _sections(item: pytest.Item, lab: OpenLab, count: int) -> list[tuple[str, str]]:
    """What is shown about the last lab that a failed test opened."""
    from echolab.errors import EcholabError

    which = f"the last of {count} labs" if count > 1 else "lab"
    sections = [(f"{which}: seed and command", _again(item, lab))]
    try:
        record = lab.record()
        told = lab.story().text() if record.captures else "No packets were captured.\n"
        sections.insert(0, (f"{which}: packets", told))
    except EcholabError as error:
        sections.insert(0, (f"{which}: how it ended", f"{error}\n"))
    programs = _programs(lab)
    if programs:
        sections.insert(1, (f"{which}: programs", programs))
    folder = item.config.getoption("--lab-report")
    if folder and lab.ended:
        try:
            to = Path(folder)
            to.mkdir(parents=True, exist_ok=True)
            name = "".join(one if one.isalnum() or one in "-_." else "-" for one in item.nodeid)
            page = lab.report().save(to / f"{name}.html")
            sections.append((f"{which}: report", f"{page}\n"))
        except (EcholabError, OSError) as error:
            sections.append((f"{which}: report", f"{error}\n"))
    return sections


def _again(item: pytest.Item, lab: OpenLab) -> str:
    """The command that runs the test again, with the same seed on the same engine."""
    words = ["pytest", item.nodeid, "--lab-engine", lab.engine, "--lab-seed", str(lab.seed)]
    return f"seed {lab.seed}: {shlex.join(words)}\n"


def _programs(lab: OpenLab) -> str:
    """The output of the programs that the test ran, each with how it ended."""
    lines = []
    for program in lab.finished:
        how = "ended by the time limit" if program.status is None else f"status {program.status}"
        lines.append(f"{program.host}: {shlex.join(program.argv)[:200]} ({how})")
        for said in (program.stdout, program.stderr):
            lines += [f"    {line}" for line in said[-KEPT_OF_OUTPUT:].splitlines()]
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture
def lab_engine(request: pytest.FixtureRequest) -> str:
    """The engine of this test's lab: by --lab-engine, else by the marker, else exact."""
    if hasattr(request, "param"):
        return str(request.param)
    chosen = request.config.getoption("--lab-engine")
    marked = _marked(request.node).get("engine")
    if chosen and marked and chosen != marked:
        pytest.skip(f"its marker names the engine {marked}, not {chosen}")
    return str(chosen or marked or USUAL_ENGINE)


@pytest.fixture
def lab(request: pytest.FixtureRequest, lab_engine: str) -> OpenLab:
    """A lab of this test's own, open; what `echolab.open` returns."""
    import echolab

    given = _given(request.node)
    _require(request.config, lab_engine)
    made = echolab.open(lab_engine, out=request.config.getoption("--lab-keep"), **given)
    request.node.stash.setdefault(LABS, []).append(made)
    request.addfinalizer(made.close)
    return made


@pytest.fixture
def async_lab(lab: OpenLab) -> AsyncLab:
    """The lab of this test for an event loop (asyncio): its verbs are awaited."""
    from echolab.library.awaited import AsyncLab

    return AsyncLab(lab)


class LabFactory:
    """Opens labs for the running test, as many as it likes, one after another.

    In `exact` they share a guest, in which each opens in a fraction of the time of a boot. The
    test's marker applies to each; the call's own parameters override it.
    """

    def __init__(self, config: pytest.Config, follower: Follower) -> None:
        self._config = config
        self._follower = follower
        self._bulk: Bulk | None = None

    def __call__(self, **given: Any) -> OpenLab:
        """Open a lab; the parameters are those of `echolab.open`. Use it in a `with`."""
        import echolab

        item = self._follower.item
        assert item is not None
        marked = _given(item)
        engine = given.pop("engine", None) or self._config.getoption("--lab-engine")
        engine = engine or _marked(item).get("engine") or USUAL_ENGINE
        _require(self._config, engine)
        kept = self._config.getoption("--lab-keep")
        labs = item.stash.setdefault(LABS, [])
        for one in labs[:-1]:
            one.close()
        del labs[:-1]  # only the last one is shown
        if engine == USUAL_ENGINE and kept is None and "out" not in given:
            made = self._shared().open(**{**marked, **given})
        else:
            made = echolab.open(engine, **{"out": kept, **marked, **given})
        labs.append(made)
        return made

    def _shared(self) -> Bulk:
        from echolab.library.bulk import Bulk

        if self._bulk is None:
            self._bulk = Bulk()
        return self._bulk

    def close(self) -> None:
        """End the guest."""
        if self._bulk is not None:
            self._bulk.close()


@pytest.fixture(scope="session")
def lab_factory(pytestconfig: pytest.Config) -> Iterator[LabFactory]:
    """Opens labs for whichever test runs: `with lab_factory(seed=3) as lab: …`."""
    follower = pytestconfig.pluginmanager.get_plugin("echolab-follower")
    assert isinstance(follower, Follower)
    factory = LabFactory(pytestconfig, follower)
    yield factory
    factory.close()


def _given(node: pytest.Item) -> dict[str, Any]:
    """The parameters of `echolab.open` that a test's marker, name and options give."""
    marked = _marked(node)
    marked.pop("engine", None)
    unknown = set(marked) - {"compose", "seed", "folders", "roots", "reach", "capture", "limit"}
    if unknown:
        raise pytest.UsageError(
            f"{node.nodeid}: the marker lab has no {', '.join(sorted(unknown))}"
        )
    seed = node.config.getoption("--lab-seed")
    if seed is None:
        seed = marked.get("seed", zlib.crc32(node.nodeid.encode()))
    marked["seed"] = seed
    for name in ("compose", "folders", "reach"):
        if name in marked:
            marked[name] = _found(node.path.parent, marked[name])
    if "roots" in marked:
        marked["roots"] = {
            image: _found(node.path.parent, place) for image, place in marked["roots"].items()
        }
    return {"name": node.name.partition("[")[0].replace("_", "-"), **marked}


def _found(folder: Path, named: Path | str | Sequence[Path | str]) -> Path | list[Path]:
    """Paths relative to a test's folder."""
    if isinstance(named, (str, Path)):
        return folder / named
    return [folder / one for one in named]


def _require(config: pytest.Config, engine: str) -> None:
    """Skip the test if its engine cannot run, or fail it if that is wanted."""
    import os

    from echolab.engines import registry
    from echolab.errors import BadInput
    from echolab.settings import Settings

    try:
        lack = registry.load(engine).lack(Settings.from_environment(os.environ))
    except BadInput as error:
        raise pytest.UsageError(str(error)) from None
    if lack:
        told = f"the engine {engine} cannot run here: {lack.what}; {lack.remedy}"
        if config.getoption("--lab-require"):
            pytest.fail(told, pytrace=False)
        pytest.skip(told)
