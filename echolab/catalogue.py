"""Which scenarios there are: those of this repository, and files of the user's own."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from echolab import script
from echolab.errors import BadInput
from echolab.job import Job
from echolab.topology import Topology, parse

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds `scenarios`, `exercises`, `images` and `compose.yaml`."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One scenario that can be run, and the script that it stands in."""

    scenario: script.Scenario
    path: Path


def every(folder: Path = ROOT / "scenarios") -> tuple[Entry, ...]:
    """All scenarios of a folder, by name of the file. Raises as `script.load` does."""
    return tuple(
        Entry(scenario, path)
        for path in sorted(folder.glob("*.py"))
        if not path.name.startswith("_")
        for scenario in script.load(path)
    )


def find(names: Sequence[str], folder: Path = ROOT / "scenarios") -> tuple[Entry, ...]:
    """The scenarios of those names, all for none; a name that ends in .py is a user's file.

    Raises BadInput for an unknown name, and says which one may have been meant.
    """
    if not names:
        return every(folder)
    found: list[Entry] = []
    for name in names:
        if name.endswith(".py") or "/" in name:
            path = Path(name).resolve()
            found += [Entry(scenario, path) for scenario in script.load(path)]
        else:
            found.append(_by_name(name, folder))
    return tuple(found)


def _by_name(name: str, folder: Path) -> Entry:
    for stem in (name, name.replace("-", "_")):
        path = folder / f"{stem}.py"
        if path.is_file():
            for scenario in script.load(path):
                if scenario.name == name:
                    return Entry(scenario, path)
    entries = every(folder)
    for entry in entries:
        if entry.scenario.name == name:
            return entry
    names = [entry.scenario.name for entry in entries]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    raise BadInput(f"there is no scenario '{name}'", hint)


def topology(file: Path) -> Topology:
    """The topology of a Compose file. Raises BadInput for one that cannot be read."""
    import yaml  # 20 ms that `--help` need not wait for

    # With libyaml a file is read in a tenth of the time; PyYAML can be built without it.
    safe = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), safe)  # noqa: S506 (it is)
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}", "check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())
        raise BadInput(f"{file} is no YAML: {first}", "mend the file") from None
    return parse(document, str(file))


def compose_file(entry: Entry, given: Path | None) -> Path:
    """The Compose file a scenario runs on: the one given, its own, or the repository's."""
    if given is not None:
        return given
    if entry.scenario.compose is not None:
        return entry.path.parent / entry.scenario.compose
    return ROOT / "compose.yaml"


def job(
    entry: Entry, hosts: Topology, given: Mapping[str, str], seed: int, *, capture: bool
) -> Job:
    """The job that runs a scenario with the parameters given as text."""
    return Job(
        scenario=entry.scenario.name,
        script=str(entry.path),
        topology=hosts,
        parameters=entry.scenario.with_parameters(given),
        seed=seed,
        capture=capture,
    )
