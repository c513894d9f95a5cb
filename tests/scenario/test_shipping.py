"""A function of a script as a host's program runs it: with what it uses, at its own lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from echo_app import workload
from echolab.errors import BadInput
from echolab.scenario.shipping import shipped

SCRIPT = '''
import math
from typing import Any

PORT, NAMES = 4000, ("a", "b")
BASE: dict[str, Any] = {"one": [1, 2.5, None, True]}


def half(value: float) -> float:
    return math.floor(value) / 2


def operation(client: "Client", more: Any = None) -> list[Any]:
    """One."""
    return [PORT, NAMES, BASE["one"], half(5.7), client]


def fails(client: Any) -> None:
    raise KeyError(PORT)
'''


@pytest.fixture
def functions(tmp_path: Path) -> dict[str, Callable[..., object]]:
    path = tmp_path / "made.py"
    path.write_text(SCRIPT, encoding="utf-8")
    found: dict[str, Callable[..., object]] = {"__name__": "made"}  # type: ignore[dict-item]
    exec(compile(SCRIPT, str(path), "exec"), found)  # a script, as it is loaded
    return found


def test_it_finds_what_it_uses(functions: dict[str, Callable[..., object]]) -> None:
    sent = shipped(functions["operation"])
    found = workload.namespace(sent)
    assert found["operation"]("it") == [4000, ("a", "b"), [1, 2.5, None, True], 2.5, "it"]
    assert sent["modules"] == {"math": "math"}
    assert list(sent["values"]) == ["PORT", "NAMES", "BASE"]  # type: ignore[call-overload]


def test_its_lines_are_those_of_the_script(functions: dict[str, Callable[..., object]]) -> None:
    found = workload.namespace(shipped(functions["fails"]))
    with pytest.raises(KeyError) as caught:
        found["fails"](None)
    last = caught.traceback[-1]
    assert str(last.path).endswith("made.py")
    assert SCRIPT.splitlines()[last.lineno].strip() == "raise KeyError(PORT)"


def test_what_cannot_be_sent_is_bad_input() -> None:
    outside = 5

    def closing(client: object) -> int:
        return outside

    def inner(client: object) -> None:
        return None

    with pytest.raises(BadInput, match="variables of the function around it"):
        shipped(closing)
    with pytest.raises(BadInput, match="does not stand at the top"):
        shipped(inner)
    with pytest.raises(BadInput, match="must be a function"):
        shipped(len)
