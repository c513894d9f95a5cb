"""A download through a slow link with loss: it takes long, but it goes on."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from echolab import Link, OpenLab

HERE = Path(__file__).parent

PACKAGES = str(Path(sysconfig.get_path("purelib")).resolve())
"""Where aiohttp is: hosts see it, and find it there."""

PORT = 8000

pytestmark = pytest.mark.lab(seed=1, folders=[PACKAGES])


def download(lab: OpenLab, kind: str) -> str:
    """What the client prints behind a link of 256 kbit/s, on which 200 kB take six seconds."""
    found = {"PYTHONPATH": PACKAGES}
    server = (HERE / "server.py").read_text(encoding="utf-8")
    lab.start("server", ["python3", "-c", server, str(PORT)], environment=found)
    lab.until_listening("server", PORT)
    lab.shape("server", Link(rate=256_000, delay=0.05, loss=0.01))
    client = (HERE / "client.py").read_text(encoding="utf-8")
    words = ["python3", "-c", client, kind, "server", str(PORT)]
    return lab.run("client", words, environment=found).stdout.strip()


def test_a_slow_download_ends(lab: OpenLab) -> None:
    assert download(lab, "right") == "200000"


def test_a_time_limit_for_the_whole_begins_again_for_ever(lab: OpenLab) -> None:
    """The mistake: each try gives up just before its end, and the next one begins at zero."""
    assert download(lab, "wrong") == "no file"
