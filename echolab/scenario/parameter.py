"""Parameters of scenarios: what each means, its unit and domain, and how its text is read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from echolab.errors import BadInput
from echolab.job import ParameterValue

UNITS: Mapping[str, Mapping[str, float]] = {
    "s": {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600},
    "%": {"%": 1e-2},
    "bit/s": {
        "bit": 1,
        "kbit": 1e3,
        "mbit": 1e6,
        "gbit": 1e9,
        "bit/s": 1,
        "kbit/s": 1e3,
        "mbit/s": 1e6,
        "gbit/s": 1e9,
    },
    "bytes": {"b": 1, "bytes": 1, "kb": 1e3, "mb": 1e6, "kib": 1024, "mib": 1024**2},
}
"""The suffixes of a number, if a parameter has that unit, and their factors.

The names of rates are those of tc(8); upper and lower case are the same.
"""

WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
}

TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s].*)?")

COMMA = re.compile(r"[+-]?\d*,\d+.*")


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What a parameter of a scenario means, its unit, and its domain.

    `unit` is `s`, `%`, `bit/s`, `bytes` or none: its text may then have a suffix (`50ms`,
    `30%`, `2Mbit`, `1kB`); the value is in seconds, a share of 1, bit/s or bytes all the same.
    `low` and `high` are the least and the greatest value that the scenario's theory covers, None
    for any. Raises BadInput for another unit, and for `low` above `high`.
    """

    about: str
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.unit and self.unit not in UNITS:
            raise BadInput(f"'{self.unit}' is not a unit", f"give {', '.join(UNITS)}, or none")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise BadInput(f"{self.low:g} is above {self.high:g}", "give low, then high")

    def shown(self, value: ParameterValue) -> str:
        """A value in the unit that people read: `50 ms`, `30 %`, `2 Mbit/s`."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return str(value).lower() if isinstance(value, bool) else value
        if self.unit == "%":
            return f"{value * 100:.6g} %"
        if self.unit == "s":
            return f"{value * 1e3:.6g} ms" if 0 < abs(value) < 1 else f"{value:.6g} s"
        if self.unit == "bit/s":
            for factor, name in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
                if abs(value) >= factor:
                    return f"{value / factor:.6g} {name}"
        return f"{value:.6g} {self.unit}".rstrip()

    @property
    def domain(self) -> str:
        """The domain in words; empty if any value is allowed."""
        if self.low is not None and self.high is not None:
            return f"{self.shown(self.low)} to {self.shown(self.high)}"
        if self.low is not None:
            return f"{self.shown(self.low)} or more"
        return f"at most {self.shown(self.high)}" if self.high is not None else ""

    def holds(self, value: ParameterValue) -> bool:
        """Whether a value is in the domain."""
        if isinstance(value, str):
            return True
        if self.low is not None and value < self.low:
            return False
        return self.high is None or value <= self.high


ANY = Parameter("")
"""A parameter without a description: any value of its type, with any unit."""


def read(
    where: str, name: str, text: str, kind: type, parameter: Parameter = ANY
) -> ParameterValue:
    """The value that a text gives a parameter: `0.05`, `50ms`, `30%`, `2Mbit`, `yes`.

    `where` begins the message. Raises BadInput, with a hint if there is one, for a text of another
    type or with another unit, and for a value outside the parameter's domain.
    """
    said = f"{where}: {name}={text}"
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in TRUTHS:
            raise BadInput(f"{said} is not {WORDS[bool]}", f"give --set {name}=true or false")
        return TRUTHS[text.lower()]
    value = _number(said, name, text.strip(), kind, parameter)
    if not parameter.holds(value):
        raise BadInput(
            f"{said} is outside its domain, {parameter.domain}", _hint(name, value, parameter)
        )
    return value


def _number(said: str, name: str, text: str, kind: type, parameter: Parameter) -> int | float:
    if COMMA.fullmatch(text):
        point = text.replace(",", ".", 1)
        raise BadInput(f"{said} is not {WORDS[kind]}", f"write a point: --set {name}={point}")
    if text.lower().lstrip("+-") in ("inf", "nan", "infinity"):
        raise BadInput(f"{said} is not finite", "give a finite number")
    matched = NUMBER.fullmatch(text)
    if matched is None:
        raise BadInput(
            f"{said} is not {WORDS[kind]}", f"give --set {name}=VALUE with {WORDS[kind]}"
        )
    digits, suffix = matched.groups()
    value = float(digits)
    if suffix:
        factor = _factor(suffix.strip().lower(), parameter)
        if factor is None:
            raise BadInput(f"{said}: '{suffix.strip()}' is not a unit of it", _units(parameter))
        value *= factor
    if value - value != 0:
        raise BadInput(f"{said} is not finite", "give a finite number")
    if kind is float:
        return value if not suffix else float(f"{value:.15g}")
    if not suffix and digits.lstrip("+-").isdigit():
        return int(digits)
    if round(value) != value:
        raise BadInput(f"{said} is not {WORDS[int]}", f"give --set {name}={round(value)}")
    return round(value)


def _factor(suffix: str, parameter: Parameter) -> float | None:
    """The factor of a suffix; None if the parameter does not accept it."""
    units = [parameter.unit] if parameter is not ANY else list(UNITS)
    for unit in units:
        if suffix in UNITS.get(unit, {}):
            return UNITS[unit][suffix]
    return None


def _units(parameter: Parameter) -> str:
    if parameter is not ANY and not parameter.unit:
        return "give it without a unit"
    names = UNITS[parameter.unit] if parameter.unit else [*UNITS["s"], "%", "kbit", "kB"]
    return f"give one of {', '.join(names)}, or none"


def _hint(name: str, value: int | float, parameter: Parameter) -> str:
    if parameter.unit == "%" and parameter.holds(value / 100):
        return f"did you mean {value:g} %? write --set {name}={value:g}%"
    if parameter.unit == "s" and parameter.holds(value / 1000):
        return f"did you mean {value:g} ms? write --set {name}={value:g}ms"
    return f"give --set {name}=VALUE within it"
