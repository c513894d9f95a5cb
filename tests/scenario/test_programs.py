"""The programs that stand beside a scenario's script."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from echolab.engines.contract import Network
from echolab.scenario import programs
from echolab.scenario.programs import Programs
from echolab.topology import Host, Topology

SCRIPT = 'lab.python("a", "nodes/node.py", "first")\n'


class Started:
    """Stands for a network: it keeps what it is asked to start."""

    def __init__(self) -> None:
        self.argv: list[str] = []

    def start(self, host: str, argv: list[str], **_: Any) -> object:
        self.argv = argv
        return object()

    def read(self, host: str, path: str) -> str:
        return ""


def test_what_a_guest_prepares_is_the_text_that_a_host_is_given(tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes/node.py").write_text("print(1)\n")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    network = Started()
    lab = Programs(cast(Network, network), Topology((Host("a"),)), tmp_path)
    lab.python("a", "nodes/node.py", "first")
    assert list(programs.beside(script)) == [network.argv[2]]
