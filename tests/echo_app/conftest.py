"""Servers to test against: the real ones as processes, and nasty small ones as threads."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from echo_app import probe
from tests.echo_app.interfaces import (
    Command,
    Completed,
    Datagram,
    Execute,
    Measure,
    Outcome,
    Process,
    ServeDatagrams,
    ServeStreams,
    Start,
    Treatment,
)

ROOT = Path(__file__).parents[2]
LIMIT = 20.0
"""Seconds after which a process or a thread of a test has hung."""


@pytest.fixture(scope="session")
def execute() -> Execute:
    """Run a program to its end."""
    return _execute


def _execute(command: Sequence[object]) -> Completed:
    return subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.fixture(scope="session")
def program() -> Command:
    """The command that runs an echo program: its name, then its arguments."""
    return lambda name, *arguments: [sys.executable, "-m", f"echo_app.{name}", *arguments]


@pytest.fixture
def free_port() -> int:
    """A port that neither a stream nor a datagram socket has now."""
    return _free_port()


@pytest.fixture
def other_port(free_port: int) -> int:
    """A second such port."""
    while (port := _free_port()) == free_port:
        pass
    return port


def _free_port() -> int:
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind(("", 0))
            port = int(stream.getsockname()[1])
            with contextlib.suppress(OSError):
                datagram.bind(("", port))
                return port


@pytest.fixture
def start() -> Iterator[Start]:
    """Start server processes and wait until their port is taken; the test's end ends them."""
    started: list[Process] = []

    def start_one(command: Sequence[object], port: int, kind: str = "tcp") -> Process:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        deadline = time.monotonic() + LIMIT
        while not _listens(port, kind):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"{command} does not listen: {process.communicate()}")
            time.sleep(0.01)
        return process

    yield start_one
    for process in started:
        process.terminate()
        process.wait(LIMIT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # socat's children outlive it
        process.communicate(timeout=LIMIT)


def _listens(port: int, kind: str) -> bool:
    """Whether a socket on this machine waits on the port, from the kernel's own table."""
    wanted = f":{port:04X}"
    state = {"tcp": "0A", "udp": "07"}[kind]
    tables = [Path(f"/proc/net/{kind}{version}") for version in ("", "6")]
    rows = [row.split() for table in tables if table.exists() for row in table.open()]
    return any(row[1].endswith(wanted) and row[3] == state for row in rows)


@pytest.fixture
def stream_server() -> Iterator[ServeStreams]:
    """A server that treats each connection as the test says; returns its port.

    `prepare` sees the socket before it listens.
    """
    with contextlib.ExitStack() as cleanup:

        def serve(
            treat: Callable[[socket.socket], None],
            prepare: Callable[[socket.socket], None] = lambda listener: None,
        ) -> int:
            listener = cleanup.enter_context(socket.socket())
            prepare(listener)
            listener.bind(("127.0.0.1", 0))
            listener.listen()

            def work() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = listener.accept()
                        with connection, contextlib.suppress(OSError):
                            treat(connection)

            _run(cleanup, work, lambda: listener.shutdown(socket.SHUT_RDWR))
            return int(listener.getsockname()[1])

        yield serve


@pytest.fixture
def datagram_server() -> Iterator[ServeDatagrams]:
    """A server that treats the datagrams that come as the test says; returns its port."""
    with contextlib.ExitStack() as cleanup:

        def serve(treat: Treatment) -> int:
            own = cleanup.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            own.bind(("127.0.0.1", 0))
            _run(cleanup, lambda: treat(own, _datagrams(own)), lambda: _wake(own))
            return int(own.getsockname()[1])

        yield serve


def _datagrams(own: socket.socket) -> Iterator[Datagram]:
    """What arrives, until the socket is shut down."""
    while True:
        message, sender = own.recvfrom(65535)
        if sender is None:
            return
        yield message, sender


def _wake(own: socket.socket) -> None:
    """End a datagram server's waiting: Linux wakes it, though it says ENOTCONN."""
    with contextlib.suppress(OSError):
        own.shutdown(socket.SHUT_RDWR)


def _run(
    cleanup: contextlib.ExitStack, work: Callable[[], object], end: Callable[[], None]
) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    cleanup.callback(thread.join, LIMIT)
    cleanup.callback(end)


@pytest.fixture(scope="session")
def measure() -> Measure:
    """Run a probe against 127.0.0.1 inside this process: port, protocol, options."""
    return _measure


def _measure(port: int, protocol: str, **options: object) -> Outcome:
    arguments = ["127.0.0.1", "--protocol", protocol, "--port", str(port)]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    out = io.StringIO()
    status = probe.run(arguments, out)
    assert status == 0
    return Outcome(status, out.getvalue())


@pytest.fixture(scope="session")
def c_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the lecture's two C programs, compiled."""
    if not shutil.which("make") or not shutil.which("cc"):
        pytest.skip("no C compiler or no make here (Debian: gcc, make)")
    folder = tmp_path_factory.mktemp("c")
    for source in (ROOT / "echo_app/c").iterdir():
        if source.suffix == ".c" or source.name == "Makefile":
            shutil.copy(source, folder)
    made = _execute(["make", "-C", str(folder)])
    assert made.returncode == 0, made.stderr
    assert "warning" not in made.stderr
    return folder


@pytest.fixture(scope="session")
def socat() -> str:
    """The path of socat."""
    path = shutil.which("socat")
    if path is None:
        pytest.skip("socat is not here (Debian: socat)")
    return path
