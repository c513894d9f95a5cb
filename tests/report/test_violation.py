"""The smallest part as lines and as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from click.testing import CliRunner

from echolab import cli
from echolab.history import models
from echolab.history.linearizability import check
from echolab.history.read import parse
from echolab.report import violation as drawn

STALE = """0 :invoke :write 1
0 :ok :write 1
1 :invoke :write 2
2 :invoke :read nil
2 :ok :read 2
3 :invoke :read nil
3 :ok :read 1
1 :ok :write 2
"""

REGISTER = models.find("cas-register")


def test_a_violation_is_told_with_its_bars_the_state_before_and_what_contradicts_it() -> None:
    lines = drawn.lines(check(parse(STALE), REGISTER), REGISTER, 80)
    assert lines[0] == "not linearizable as cas-register: 4 operations"
    assert "up to 3 there is an explanation; the cas-register is then 1" in lines
    bars = [line for line in lines if "├" in line]
    assert [bar.split()[0] for bar in bars] == ["1", "2", "3"]
    assert "    then 3: read → 1 contradicts it" in lines
    assert all(len(line) <= 80 for line in bars)


def test_a_picture_has_a_bar_for_each_operation_of_the_part() -> None:
    (violation,) = check(parse(STALE), REGISTER).violations
    root = ElementTree.fromstring(drawn.picture(violation, REGISTER))
    bars = [element for element in root if element.tag.endswith("rect")]
    assert len(bars) == len(violation.part)


def test_the_command_ends_with_0_for_a_linearizable_history_and_with_1_for_another(
    tmp_path: Path,
) -> None:
    file = tmp_path / "history.log"
    file.write_text(STALE)
    picture = tmp_path / "violation.svg"
    words = ["history", str(file), "--model", "cas-register", "--svg", str(picture)]
    ended = CliRunner().invoke(cli.app, words)
    assert ended.exit_code == 1 and picture.is_file()
    file.write_text("\n".join(STALE.splitlines()[:5]) + "\n")
    ended = CliRunner().invoke(cli.app, ["history", str(file), "--model", "cas-register"])
    assert ended.exit_code == 0
    assert ended.output.startswith("linearizable as cas-register: 3 operations")
