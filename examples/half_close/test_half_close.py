"""A protocol of asyncio whose client closes one half: the answer must still come."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab import Link, OpenLab

HERE = Path(__file__).parent

PORT = 4000


def answer(lab: OpenLab, kind: str) -> str:
    """What the client prints, behind a link with a delay and some loss."""
    for host in lab.hosts:
        lab.shape(host, Link(delay=0.05, loss=0.1))
    text = (HERE / "server.py").read_text(encoding="utf-8")
    lab.start("server", ["python3", "-c", text, kind, str(PORT)])
    lab.until_listening("server", PORT)
    client = (HERE / "client.py").read_text(encoding="utf-8")
    return lab.run("client", ["python3", "-c", client, "server", str(PORT)]).stdout.strip()


@pytest.mark.lab(seed=1)
def test_the_answer_comes_after_the_client_has_sent_all(lab: OpenLab) -> None:
    assert answer(lab, "right") == "5050"


@pytest.mark.lab(seed=1)
def test_a_transport_that_closes_at_the_end_of_file_loses_the_answer(lab: OpenLab) -> None:
    """The mistake: `eof_received` returns None, so the transport is closed under the answer."""
    assert answer(lab, "wrong") == "no answer"
