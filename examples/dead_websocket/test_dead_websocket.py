"""A client that only reads must notice that its server lost its power: no packet tells it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from echolab import Link, OpenLab

HERE = Path(__file__).parent

PACKAGES = str(Path(sysconfig.get_path("purelib")).resolve())
"""Where websockets is: hosts see it, and find it there."""

PORT = 8000

pytestmark = pytest.mark.lab(seed=1, folders=[PACKAGES])


def told(lab: OpenLab, kind: str) -> str:
    """What the client prints in the two minutes after its server died."""
    found = {"PYTHONPATH": PACKAGES}
    server = (HERE / "server.py").read_text(encoding="utf-8")
    lab.start("server", ["python3", "-c", server, str(PORT)], environment=found)
    lab.until_listening("server", PORT)
    lab.shape("client", Link(delay=0.05))
    client = (HERE / "client.py").read_text(encoding="utf-8")
    words = ["python3", "-c", client, kind, "server", str(PORT)]
    program = lab.start("client", words, environment=found)
    while lab.counter("server", "Tcp.PassiveOpens") == 0:
        lab.sleep(0.01)
    lab.sleep(5)
    lab.kill("server")
    return program.wait(timeout=120).stdout.strip()


def test_a_client_that_pings_notices_a_dead_server(lab: OpenLab) -> None:
    assert told(lab, "right") == "the server is gone"


def test_a_client_that_only_reads_waits_for_ever(lab: OpenLab) -> None:
    """The mistake: without pings the client sends nothing that could go unanswered."""
    assert told(lab, "wrong") == ""
