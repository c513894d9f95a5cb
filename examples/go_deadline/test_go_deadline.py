"""A Go program that reads with a deadline: a slow server is not a silent one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from echolab import Link
from echolab.pytest_plugin import LabFactory

HERE = Path(__file__).parent

PORT = 4000

SERVER = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listening:
    connection, _ = listening.accept()
    with connection:
        connection.sendall(bytes(200_000))
"""

pytestmark = [
    pytest.mark.lab(seed=1),
    pytest.mark.skipif(not shutil.which("go"), reason="go is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled client, which hosts may read."""
    made = tmp_path_factory.mktemp("go")
    made.chmod(0o755)
    words = ["go", "build", "-o", str(made / "client"), str(HERE / "client.go")]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOCACHE": str(made / "cache")}
    subprocess.run(words, check=True, env=environment, timeout=240)
    return made


def read(lab_factory: LabFactory, folder: Path, kind: str) -> str:
    """What the client prints behind a link of 256 kbit/s, on which 200 kB take six seconds."""
    with lab_factory(folders=[folder]) as lab:
        lab.start("server", ["python3", "-c", SERVER, str(PORT)])
        lab.until_listening("server", PORT)
        lab.shape("server", Link(rate=256_000, delay=0.05))
        return lab.run("client", [str(folder / "client"), kind, f"server:{PORT}"]).stdout.strip()


def test_a_deadline_for_each_read_lets_a_slow_server_end(
    lab_factory: LabFactory, folder: Path
) -> None:
    assert read(lab_factory, folder, "right") == "200000"


def test_a_deadline_that_is_set_once_is_one_for_all_reads(
    lab_factory: LabFactory, folder: Path
) -> None:
    """The mistake: a deadline of Go is a time of day, not a duration since the last byte."""
    assert read(lab_factory, folder, "wrong") == "the server is silent"
