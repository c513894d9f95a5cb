"""A client that tries again: one order must stay one order, whichever packets die."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from echolab import Link, OpenLab

HERE = Path(__file__).parent

PACKAGES = str(Path(sysconfig.get_path("purelib")).resolve())
"""Where httpx is: hosts see it, and find it there."""

PORT = 8000

pytestmark = pytest.mark.lab(seed=1, folders=[PACKAGES])


def orders(lab: OpenLab, kind: str) -> int:
    """How many orders there are when one was made, while the server's link is cut for a while."""
    server = (HERE / "server.py").read_text(encoding="utf-8")
    lab.start("server", ["python3", "-c", server, str(PORT)])
    lab.until_listening("server", PORT)
    lab.shape("client", Link(delay=0.05))
    client = (HERE / "client.py").read_text(encoding="utf-8")
    words = ["python3", "-c", client, kind, "server", str(PORT)]
    program = lab.start("client", words, environment={"PYTHONPATH": PACKAGES})
    while lab.counter("server", "Tcp.PassiveOpens") == 0:
        lab.sleep(0.01)
    lab.shape("server", Link(loss=1.0))  # the order is there; its answer never leaves
    lab.sleep(3)
    lab.clear("server")
    ended = program.wait()
    assert ended.status == 0, ended.stderr
    return int(ended.stdout)


def test_one_order_stays_one_order(lab: OpenLab) -> None:
    assert orders(lab, "right") == 1


def test_a_retry_without_a_key_orders_twice(lab: OpenLab) -> None:
    """The mistake: what was lost is the answer, not the order."""
    assert orders(lab, "wrong") == 2
