"""What a user can do wrong with the echo programs: one clear line, the status, no traceback."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.echo_app.interfaces import (
    Command,
    Completed,
    Execute,
    ServeDatagrams,
    ServeStreams,
    Start,
)

ROOT = Path(__file__).parents[2]
CLIENTS = ("stream_client", "descriptor_client", "datagram_client")
SERVERS = ("stream_server", "datagram_server", "server")


def one_line(done: Completed, status: int) -> str:
    """The line on standard error of a program that failed with this status."""
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("name", [*CLIENTS, *SERVERS, "health"])
@pytest.mark.parametrize("port", ["0", "65536", "-1", "echo", "7.0", ""])
def test_a_port_out_of_range(execute: Execute, program: Command, name: str, port: str) -> None:
    """Status 2, and the range of ports."""
    line = one_line(execute(program(name, f"--port={port}")), 2)
    assert line.startswith(f"echo_app.{name}: ")
    assert "from 1 to 65535" in line


@pytest.mark.parametrize("name", [*CLIENTS, *SERVERS, "health", "probe"])
def test_an_unknown_option(execute: Execute, program: Command, name: str) -> None:
    """Status 2, the option, and where the right ones are listed."""
    line = one_line(execute(program(name, "--speed=9", *(["h"] if name == "probe" else []))), 2)
    assert "--speed" in line
    assert "--help" in line


@pytest.mark.parametrize("name", [*CLIENTS, *SERVERS, "health", "probe"])
def test_help_is_no_failure(execute: Execute, program: Command, name: str) -> None:
    """--help prints the options and ends with status 0."""
    done = execute(program(name, "--help"))
    assert done.returncode == 0
    assert "--port" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("name", [*CLIENTS, "probe"])
def test_an_unknown_host(execute: Execute, program: Command, name: str) -> None:
    """Status 1: the name, and what to do."""
    line = one_line(execute(program(name, "no-such-host.invalid", "--port=7")), 1)
    assert "host 'no-such-host.invalid' is unknown: check the name" in line


@pytest.mark.parametrize("name", [*CLIENTS, "probe"])
@pytest.mark.parametrize("host", ["a" * 300, "ein..name", "ü" * 70], ids=["long", "dots", "idna"])
def test_a_host_that_cannot_be_a_name(
    execute: Execute, program: Command, name: str, host: str
) -> None:
    """The encoding of names ends in no traceback either."""
    assert "is unknown" in one_line(execute(program(name, host, "--port=7")), 1)


@pytest.mark.parametrize("name", [*CLIENTS, "probe"])
def test_an_empty_host(execute: Execute, program: Command, name: str) -> None:
    """Status 2: for the resolver the empty name would be this machine."""
    assert "name is empty" in one_line(execute(program(name, "", "--port=7")), 2)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_refused_exchange(execute: Execute, program: Command, free_port: int, name: str) -> None:
    """Status 1: who refused, and what to do."""
    line = one_line(execute(program(name, "127.0.0.1", "--port", free_port)), 1)
    assert "127.0.0.1 refused the connection: no echo server listens there" in line


@pytest.mark.parametrize("name", ["stream_client", "descriptor_client"])
def test_a_reply_that_is_cut_short(
    stream_server: ServeStreams, execute: Execute, program: Command, name: str
) -> None:
    """Status 1, and how much came."""
    port = stream_server(lambda connection: connection.sendall(connection.recv(1023)[:500]))
    done = execute(program(name, "127.0.0.1", "--port", port))
    assert done.returncode == 1
    assert "500 of 1023 bytes" in done.stderr


@pytest.mark.parametrize("name", ["stream_client", "descriptor_client"])
def test_a_reply_in_pieces_is_put_together(
    stream_server: ServeStreams, execute: Execute, program: Command, name: str
) -> None:
    """One recv is not one message."""

    def dribble(connection: socket.socket) -> None:
        message = b""
        while len(message) < 1023:
            message += connection.recv(1023)
        for start in range(0, 1023, 100):
            connection.sendall(message[start : start + 100])
            time.sleep(0.01)

    port = stream_server(dribble)
    done = execute(program(name, "127.0.0.1", "--port", port))
    assert (done.stdout, done.returncode) == ("Wir erschrecken zu guten Zwecken!\n", 0)


def test_the_c_client_puts_a_reply_together_too(
    stream_server: ServeStreams, execute: Execute, c_programs: Path
) -> None:
    """The erratum's repair: pieces are joined, and a short reply is reported."""

    def halve(connection: socket.socket) -> None:
        message = connection.recv(1023)
        connection.sendall(message[:10])
        time.sleep(0.1)
        connection.sendall(message[10:])

    port = stream_server(halve)
    done = execute([c_programs / "stream_client", "127.0.0.1", port])
    assert (done.stdout, done.returncode) == ("Wir erschrecken zu guten Zwecken!\n", 0)
    port = stream_server(lambda connection: connection.sendall(connection.recv(1023)[:500]))
    done = execute([c_programs / "stream_client", "127.0.0.1", port])
    assert "closed after 500 of 1023 bytes" in one_line(done, 1)


@pytest.mark.parametrize(
    "arguments", [("no-such-host.invalid", "7"), ("127.0.0.1", "0"), ("a", "x")]
)
def test_the_c_client_complains_in_one_line(
    execute: Execute, c_programs: Path, arguments: Sequence[str]
) -> None:
    """No crash where the lecture's program had a segmentation fault."""
    done = execute([c_programs / "stream_client", *arguments])
    assert done.returncode in (1, 2)
    one_line(done, done.returncode)


def test_the_c_server_complains_of_a_port_in_use(
    start: Start, execute: Execute, c_programs: Path, free_port: int
) -> None:
    """Status 2, where the lecture's program listened on a port that nobody knew."""
    start([c_programs / "stream_server", free_port], free_port)
    line = one_line(execute([c_programs / "stream_server", free_port]), 2)
    assert "Address already in use" in line


def test_an_unanswered_datagram(
    datagram_server: ServeDatagrams, execute: Execute, program: Command
) -> None:
    """Status 1, after the time that was asked for, and it says that it was not answered."""
    port = datagram_server(lambda own, datagrams: list(datagrams))
    before = time.monotonic()
    done = execute(program("datagram_client", "127.0.0.1", "--port", port, "--timeout", "0.3"))
    assert "the datagram to 127.0.0.1 was not answered within 0.3 s" in one_line(done, 1)
    assert time.monotonic() - before >= 0.3


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "bald"])
def test_a_timeout_that_is_not_a_time(execute: Execute, program: Command, timeout: str) -> None:
    """Status 2, and what a time is."""
    line = one_line(execute(program("datagram_client", f"--timeout={timeout}")), 2)
    assert "is not a time" in line


def test_no_table_of_services(tmp_path: Path) -> None:
    """Status 2 for the server, 1 for the client; both name the file and the way round it."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not here (Debian: util-linux)")
    empty = tmp_path / "services"
    empty.touch()
    script = (
        "import subprocess, sys; subprocess.run(['mount', '--bind', sys.argv[1], '/etc/services'],"
        " check=True); sys.exit(subprocess.run([sys.executable, '-m', *sys.argv[2:]]).returncode)"
    )
    for arguments, status in ((["stream_server"], 2), (["stream_client", "localhost"], 1)):
        command = [unshare, "-rm", sys.executable, "-c", script, str(empty)]
        command += [f"echo_app.{arguments[0]}", *arguments[1:]]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
        )
        if "unshare" in done.stderr:
            pytest.skip(f"no namespaces for this user: {done.stderr.strip()}")
        assert "lacks the echo service" in one_line(done, status)
        assert "--port 7" in done.stderr


@pytest.mark.parametrize("name", ["stream_server", "datagram_server", "server"])
def test_control_c_leaves_no_traceback(
    start: Start, program: Command, free_port: int, name: str
) -> None:
    """SIGINT ends the program as the shell expects it, without a word."""
    kind = "udp" if name == "datagram_server" else "tcp"
    process = start(program(name, "--port", free_port), free_port, kind)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT
    assert "Traceback" not in process.communicate(timeout=20)[1]
