"""A Java program that reads a message whose length it knows: it comes in pieces."""

from __future__ import annotations

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
        connection.sendall(bytes(20_000))
"""

pytestmark = [
    pytest.mark.lab(seed=1),
    pytest.mark.skipif(not shutil.which("javac"), reason="javac is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled client, which hosts may read."""
    made = tmp_path_factory.mktemp("java")
    made.chmod(0o755)
    words = ["javac", "-d", str(made), str(HERE / "Client.java")]
    subprocess.run(words, check=True, timeout=240)
    return made


def read(lab_factory: LabFactory, folder: Path, kind: str) -> int:
    """How many bytes the client has read of 20,000, through a link with a delay and loss."""
    with lab_factory(folders=[folder]) as lab:
        lab.start("server", ["python3", "-c", SERVER, str(PORT)])
        lab.until_listening("server", PORT)
        lab.shape("server", Link(delay=0.05, loss=0.05))
        java = ["java", "-Xint", "-XX:+UseSerialGC", "-cp", str(folder), "Client"]
        return int(lab.run("client", [*java, kind, "server", str(PORT)]).stdout)


def test_the_whole_message_is_read(lab_factory: LabFactory, folder: Path) -> None:
    assert read(lab_factory, folder, "right") == 20_000


def test_one_read_returns_what_has_come_by_then(lab_factory: LabFactory, folder: Path) -> None:
    """The mistake: `read` fills as much of the array as there is, here the first segments."""
    assert 0 < read(lab_factory, folder, "wrong") < 20_000
