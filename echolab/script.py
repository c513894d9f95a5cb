"""Scenarios: the decorator that marks one, and the reading of a user's script."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, overload

from echolab.errors import BadInput, EcholabError, ScriptError
from echolab.job import Parameter

Function = TypeVar("Function", bound=Callable[..., None])

MARK = "__echolab_scenario__"

TYPES: Mapping[str, type] = {"bool": bool, "int": int, "float": float, "str": str}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One scenario: its name, what it examines, and the function that performs it.

    `expect` says what to expect and why; `compose` names a Compose file of its own beside
    the script; `engines` are those that can run it, empty for all; `baseline` is False
    where the hosts have no echo service that could be measured before anything is shaped;
    `measured` is False where no verdict rests on the kernel's counters, so that a run need
    not wait until every packet has left its link and count them.
    """

    name: str
    sentence: str
    expect: str
    function: Callable[..., None]
    parameters: Mapping[str, Parameter]
    compose: str | None
    engines: tuple[str, ...]
    baseline: bool
    measured: bool

    @property
    def summary(self) -> str:
        """The first line of the function's docstring, or of its file's."""
        text = self.function.__doc__ or self.function.__globals__.get("__doc__") or ""
        return text.strip().partition("\n")[0]

    def with_parameters(self, given: Mapping[str, str]) -> dict[str, Parameter]:
        """Every parameter, with those given as text (`--set`) read as its default's type.

        Raises BadInput for an unknown name or a text that is no such value.
        """
        values = dict(self.parameters)
        for name, text in given.items():
            if name not in values:
                known = ", ".join(values) or "none"
                raise BadInput(
                    f"scenario {self.name} has no parameter '{name}'", f"it has: {known}"
                )
            values[name] = _read(self.name, name, text, type(values[name]))
        return values


def _read(scenario_name: str, name: str, text: str, kind: type) -> Parameter:
    try:
        if kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                text.lower()
            ]
        value: Parameter = kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise BadInput(
            f"scenario {scenario_name}: {name}={text} is not {wanted}",
            f"give --set {name}=VALUE with {wanted}",
        ) from None
    if isinstance(value, float) and value - value != 0:
        raise BadInput(f"scenario {scenario_name}: {name}={text} is no finite number", "give one")
    return value


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
    baseline: bool = True,
    measured: bool = True,
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
    baseline: bool = True,
    measured: bool = True,
) -> Function | Callable[[Function], Function]:
    """Mark a function as a scenario; its first parameter is the lab, the others have defaults.

    With brackets or without. Its name is the function's, with hyphens for underscores,
    unless given. Raises BadInput where a parameter has no default or no plain type.
    """

    def mark(marked: Function) -> Function:
        called = name or marked.__name__.replace("_", "-")
        setattr(
            marked,
            MARK,
            Scenario(
                *(called, sentence, expect, marked, _parameters(called, marked)),
                *(compose, engines, baseline, measured),
            ),
        )
        return marked

    return mark(function) if function is not None else mark


def _parameters(name: str, function: Callable[..., None]) -> dict[str, Parameter]:
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

    Raises BadInput where there is no such file or it marks no scenario, ScriptError with
    the user's own lines where it fails.
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
    with user_errors(script):
        exec(compile(source, str(script), "exec", dont_inherit=True), module.__dict__)  # noqa: S102
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
    import traceback  # only a failing script needs it; it is slow to import in the guest

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(script)]
    if isinstance(error, SyntaxError) and error.filename == str(script):
        place, line = f"{script}:{error.lineno}", (error.text or "").strip()
    elif own:
        place, line = f"{script}:{own[-1].lineno}", own[-1].line or ""
    else:
        place, line = str(script), ""
    what = f"{type(error).__name__}: {error}"
    remedy = "mend the script"
    if isinstance(error, BadInput):
        what, remedy = error.message, error.remedy
    elif isinstance(error, SyntaxError):
        what = f"{type(error).__name__}: {error.msg}"
    shown = f" in `{line}`" if line else ""
    trace = "".join(traceback.format_list(own))
    return ScriptError(f"{place}: {what}{shown}", remedy, trace)
