"""Scenarios: the decorator that marks one, and the reading of a user's script."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, overload

from echolab.errors import BadInput, EcholabError, ScriptError
from echolab.job import ParameterValue
from echolab.scenario import rounds
from echolab.scenario.parameter import ANY, WORDS, Parameter, read
from echolab.schedule import Faults

Function = TypeVar("Function", bound=Callable[..., None])

MARK = "__echolab_scenario__"

NOTHING: Mapping[str, Parameter] = {}

TYPES: Mapping[str, type] = {"bool": bool, "int": int, "float": float, "str": str}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One scenario: its name, what it examines, and the function that performs it.

    `parameters` are the defaults, `meanings` their descriptions; `expect` says what to expect and
    why; `compose` names a Compose file of its own beside the script; `engines` are those that can
    run it, empty for all; `baseline` is False if the hosts have no echo service that could be
    measured before anything is shaped; `measured` is False if no verdict depends on the kernel's
    counters, so that a run need not wait until every packet has left its link and been counted.
    `picture` and `stretch` name the figure and the part of the packet story that show the sentence
    best (docs/record.md); `then` is what to try next. `faults` are those that may happen to the
    hosts while clients work. `files` names the parameters that are paths of files: hosts see their
    folders.
    """

    name: str
    sentence: str
    expect: str
    function: Callable[..., None]
    parameters: Mapping[str, ParameterValue]
    meanings: Mapping[str, Parameter]
    compose: str | None
    engines: tuple[str, ...]
    baseline: bool
    measured: bool
    picture: str = ""
    stretch: str = ""
    then: str = ""
    faults: Faults | None = None
    files: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first line of the function's docstring, or of its file's."""
        text = self.function.__doc__ or self.function.__globals__.get("__doc__") or ""
        return text.strip().partition("\n")[0]

    def with_parameters(self, given: Mapping[str, str]) -> dict[str, ParameterValue]:
        """Every parameter, with those given as text (`--set`) read as its default's type.

        Raises BadInput for an unknown name, a text of another type, or a value outside the
        parameter's domain.
        """
        values = dict(self.parameters)
        for name, text in given.items():
            if name not in values:
                raise self._unknown(name)
            values[name] = read(
                f"scenario {self.name}", name, text, type(values[name]), self.meaning(name)
            )
        return values

    def folders(self, values: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """The folders of the files that parameters name, each once."""
        paths = [Path(str(values[name])) for name in self.files if values[name]]
        return tuple(dict.fromkeys(str(path.parent) for path in paths))

    def meaning(self, name: str) -> Parameter:
        """The description of a parameter."""
        return self.meanings.get(name, ANY)

    def check(self, given: Mapping[str, ParameterValue]) -> None:
        """Check values given before. Raises BadInput for an unknown name or another type."""
        for name, value in given.items():
            if name not in self.parameters:
                raise self._unknown(name)
            wanted = type(self.parameters[name])
            if type(value) is not wanted and not (wanted is float and type(value) is int):
                raise BadInput(
                    f"scenario {self.name}: {name} must be {WORDS[wanted]}, not {value!r}",
                    "fix the record, or run the scenario again",
                )

    def _unknown(self, name: str) -> BadInput:
        known = ", ".join(self.parameters) or "none"
        return BadInput(f"scenario {self.name} has no parameter '{name}'", f"it has: {known}")


@overload
def scenario(function: Function, /) -> Function: ...


@overload
def scenario(
    *,
    sentence: str = "",
    expect: str = "",
    name: str = "",
    compose: str | None = None,
    engines: tuple[str, ...] = (),
    parameters: Mapping[str, Parameter] = NOTHING,
    baseline: bool = True,
    measured: bool = True,
    picture: str = "",
    stretch: str = "",
    then: str = "",
    faults: Faults | None = None,
    files: tuple[str, ...] = (),
) -> Callable[[Function], Function]: ...


def scenario(
    function: Function | None = None,
    /,
    *,
    sentence: str = "",
    expect: str = "",
    name: str = "",
    compose: str | None = None,
    engines: tuple[str, ...] = (),
    parameters: Mapping[str, Parameter] = NOTHING,
    baseline: bool = True,
    measured: bool = True,
    picture: str = "",
    stretch: str = "",
    then: str = "",
    faults: Faults | None = None,
    files: tuple[str, ...] = (),
) -> Function | Callable[[Function], Function]:
    """Mark a function as a scenario; its first parameter is the lab, the others have defaults.

    Use it with or without parentheses. Its name is the function's, with hyphens for underscores,
    unless given. `parameters` describes each parameter, with its unit and domain. `picture` and
    `stretch` name what the report shows first, `then` is what to try next, as words of the command
    line ("run loss --set loss=30%"). `faults` are those that may happen to the hosts while clients
    work. `files` names parameters that are paths of files of this machine: hosts see their folders,
    read-only, at the same place. Raises BadInput if a parameter has no default, no plain type, or a
    default outside its domain.
    """

    def mark(marked: Function) -> Function:
        called = name or marked.__name__.replace("_", "-")
        defaults = _parameters(called, marked)
        setattr(
            marked,
            MARK,
            Scenario(
                called,
                sentence,
                expect,
                marked,
                defaults,
                _meanings(called, parameters, defaults),
                compose,
                engines,
                baseline,
                measured,
                picture,
                stretch,
                then,
                faults,
                files,
            ),
        )
        return marked

    return mark(function) if function is not None else mark


# `echolab.scenario` is both this function and the name of the room. `import echolab.scenario.lab as
# x` looks for `lab` in whatever it finds under that name.
scenario.__name__ = "echolab.scenario"


def _meanings(
    name: str, said: Mapping[str, Parameter], defaults: Mapping[str, ParameterValue]
) -> dict[str, Parameter]:
    """The descriptions of the parameters, in the order of the function."""
    for parameter in said:
        if parameter not in defaults:
            known = ", ".join(defaults) or "none"
            raise BadInput(f"scenario {name} has no parameter '{parameter}'", f"it has: {known}")
    for parameter, default in defaults.items():
        if parameter in said and not said[parameter].holds(default):
            raise BadInput(
                f"scenario {name}: the default {parameter}={default} is outside its domain, "
                f"{said[parameter].domain}",
                "change one of them",
            )
    return {parameter: said[parameter] for parameter in defaults if parameter in said}


def _parameters(name: str, function: Callable[..., None]) -> dict[str, ParameterValue]:
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount]
    defaults = function.__defaults__ or ()
    if len(names) != len(defaults):
        bare = names[: len(names) - len(defaults)]
        raise BadInput(
            f"scenario {name}: parameter {', '.join(bare)} has no default",
            "write it as NAME: TYPE = VALUE",
        )
    values = {}
    for parameter, default in zip(names, defaults, strict=True):
        kind = function.__annotations__.get(parameter, type(default))
        kind = TYPES.get(kind, None) if isinstance(kind, str) else kind
        if kind not in TYPES.values():
            raise BadInput(
                f"scenario {name}: parameter {parameter} is neither bool, int, float nor str",
                "give it one of these types",
            )
        values[parameter] = kind(default)
    return values


def load(script: Path) -> tuple[Scenario, ...]:
    """The scenarios of a script, in the order of the file.

    Raises BadInput if the file is missing or marks no scenario, ScriptError with the user's own
    lines if it fails.
    """
    try:
        source = script.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot read the script {script}: {error.strerror}", "check the path"
        ) from None
    module = types.ModuleType(f"scenario_{script.stem.replace('-', '_')}")
    module.__file__ = str(script)
    sys.modules[module.__name__] = module
    module.__dict__[rounds.NAME] = rounds.counter()
    with user_errors(script):
        exec(rounds.code(source, str(script)), module.__dict__)  # noqa: S102
    found: dict[str, Scenario] = {}
    for value in vars(module).values():
        marked = getattr(value, MARK, None)
        if not isinstance(marked, Scenario) or marked.function.__module__ != module.__name__:
            continue
        if marked.name in found and found[marked.name] is not marked:
            raise BadInput(f"{script} has two scenarios named '{marked.name}'", "rename one")
        found[marked.name] = marked
    if not found:
        raise BadInput(f"{script} marks no scenario", "put @scenario above a function")
    return tuple(found.values())


def find(script: Path, name: str) -> Scenario:
    """The scenario of that name in a script. Raises BadInput as `load` does, or for the name."""
    scenarios = load(script)
    for candidate in scenarios:
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in scenarios)
    raise BadInput(f"{script} has no scenario '{name}'", f"it has: {known}")


class user_errors:  # noqa: N801 (a context manager reads as a word)
    """Turn what a user's script raises into a ScriptError that shows the user's line."""

    def __init__(self, script: Path) -> None:
        self._script = script

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if error is None or not isinstance(error, (Exception, SystemExit)):
            return
        if isinstance(error, EcholabError) and not isinstance(error, BadInput):
            return
        if isinstance(error, ScriptError):
            return
        raise _script_error(self._script, error) from None


def _script_error(script: Path, error: BaseException) -> ScriptError:
    import traceback  # only needed if a script fails; it is slow to import in the guest

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(script)]
    if isinstance(error, SyntaxError) and error.filename == str(script):
        place, line = f"{script}:{error.lineno}", (error.text or "").strip()
    elif own:
        place, line = f"{script}:{own[-1].lineno}", own[-1].line or ""
    else:
        place, line = str(script), ""
    what = f"{type(error).__name__}: {error}"
    remedy = "fix the script"
    if rounds.used_up(error):
        what = f"the script's loops went round {rounds.MOST:,} times, and this one had not ended"
        remedy = "no time passes while a script computes: wait with lab.sleep, or for a probe"
    if isinstance(error, BadInput):
        what, remedy = error.message, error.remedy
    elif isinstance(error, SyntaxError):
        what = f"{type(error).__name__}: {error.msg}"
    shown = f" in `{line}`" if line else ""
    trace = "".join(traceback.format_list(own))
    return ScriptError(f"{place}: {what}{shown}", remedy, trace)
