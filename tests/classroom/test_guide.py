"""The guide's example of an exercise is one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab import catalogue
from echolab.classroom import exercise
from echolab.classroom.checking import Order
from echolab.classroom.verdict import CheckResult, Verdict

CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as my_socket:
    my_socket.sendall(b"hello\\n")
    print(my_socket.makefile().readline(), end="")
"""


@pytest.mark.exact
def test_the_example_is_performed(
    tmp_path: Path, submit: Callable[[Order], Future[CheckResult]]
) -> None:
    guide = (catalogue.ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    example = re.search(
        r"^    from echolab\.classroom import.*?(?=\n\n    \./lab)", guide, re.M | re.S
    )
    assert example is not None
    (tmp_path / "check.py").write_text(textwrap.dedent(example[0]))
    (tmp_path / "client.py").write_text(CLIENT)
    found = exercise.find(str(tmp_path))
    result = submit(Order(found, tmp_path / "client.py", "client")).result()
    assert [case.verdict for case in result.cases] == [Verdict.PASSED]
