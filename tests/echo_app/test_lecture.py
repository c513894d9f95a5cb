"""The lecture's programs: short, like the C beside them, and every pairing talks."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.echo_app.interfaces import Command, Execute, Start

ROOT = Path(__file__).parents[2]
SENTENCE = "Wir erschrecken zu guten Zwecken!"
PROGRAMS = (
    "stream_server",
    "stream_client",
    "datagram_server",
    "datagram_client",
    "descriptor_client",
)
STREAM_CLIENTS = ("stream_client", "descriptor_client")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_lecture_program_has_fewer_than_60_lines(name: str) -> None:
    """Short enough for one page."""
    assert len((ROOT / f"echo_app/{name}.py").read_text().splitlines()) < 60


@pytest.mark.parametrize("name", ("stream_client", "datagram_client", "descriptor_client"))
def test_the_sentence_is_the_lectures(name: str) -> None:
    """It stays German, and the buffer has the lecture's size."""
    text = (ROOT / f"echo_app/{name}.py").read_text()
    assert f'"{SENTENCE}"' in text
    assert "MAXPUF = 1023" in text


TRACED = "socket,bind,listen,accept,accept4,connect,recvfrom,sendto,close"


Calls = list[tuple[str, str]]


def calls(trace: Path) -> Calls:
    """The calls on Internet sockets in a trace: name, and backlog or number of bytes."""
    kept: Calls = []
    sockets: set[str] = set()
    for line in trace.read_text().splitlines():
        call = re.match(r"\d+ +(\w+)\(([^,)]*)(.*?)(?:\) += (-?\d+)|$)", line)
        if not call:
            continue
        name, first, rest, result = call.groups()
        if name == "socket" and first == "AF_INET" and "SOCK_STREAM" in rest:
            sockets.add(result)
        elif first not in sockets:
            continue
        if name in ("accept", "accept4"):
            name = "accept"
            sockets.add(result)
        number = re.search(r"^, (\d+)$|, (\d+), \w+, NULL", rest)
        kept.append((name, (number[1] or number[2]) if number else ""))
    return kept


Trace = Callable[..., Calls]


@pytest.fixture
def trace(start: Start, tmp_path: Path, execute: Execute) -> Trace:
    """Run a program under strace: a server for one exchange, a client to its end."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not here (Debian: strace)")

    def under_strace(command: Sequence[object], port: int, is_server: bool) -> Calls:
        file = tmp_path / "trace"
        command = ["strace", "-D", "-f", "-qq", "-e", f"trace={TRACED}", "-o", file, *command]
        if is_server:
            start(command, port)
            with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
                peer.sendall(b"x" * 1023)
                while peer.recv(1023):
                    pass
        else:
            done = execute(command)
            assert done.stdout == SENTENCE + "\n", done.stderr
        return calls(file)

    return under_strace


def test_the_stream_server_makes_the_calls_of_the_c_program(
    c_programs: Path, program: Command, trace: Trace, free_port: int
) -> None:
    """Call by call: socket, bind, listen 5, accept, recv 1023, send 1023, close, accept."""
    python = trace(program("stream_server", "--port", free_port), free_port, is_server=True)
    assert python[:7] == [
        ("socket", ""),
        ("bind", ""),
        ("listen", "5"),
        ("accept", ""),
        ("recvfrom", "1023"),
        ("sendto", "1023"),
        ("close", ""),
    ]


def test_both_stream_servers_make_the_same_calls(
    c_programs: Path, program: Command, trace: Trace, free_port: int, other_port: int
) -> None:
    """What strace sees of the C program and of the Python program is the same list."""
    python = trace(program("stream_server", "--port", free_port), free_port, is_server=True)
    in_c = trace([c_programs / "stream_server", other_port], other_port, is_server=True)
    assert in_c[:7] == python[:7]


def test_both_stream_clients_make_the_same_calls(
    c_programs: Path, program: Command, trace: Trace, start: Start, free_port: int
) -> None:
    """socket, connect, send 1023, recv 1023, close, in Python as in C."""
    start(program("stream_server", "--port", free_port), free_port)
    python = trace(
        program("stream_client", "127.0.0.1", "--port", free_port), free_port, is_server=False
    )
    in_c = trace([c_programs / "stream_client", "127.0.0.1", free_port], free_port, is_server=False)
    assert (
        python
        == in_c
        == [
            ("socket", ""),
            ("connect", ""),
            ("sendto", "1023"),
            ("recvfrom", "1023"),
            ("close", ""),
        ]
    )


@pytest.mark.parametrize("client", STREAM_CLIENTS)
@pytest.mark.parametrize("mode", [(), ("--until-close",)], ids=["once", "until-close"])
def test_python_clients_talk_to_python_servers(
    start: Start,
    program: Command,
    execute: Execute,
    free_port: int,
    client: str,
    mode: Sequence[str],
) -> None:
    """Both stream clients print the sentence, from either mode of the server."""
    start(program("stream_server", "--port", free_port, *mode), free_port)
    done = execute(program(client, "localhost", "--port", free_port))
    assert (done.stdout, done.stderr, done.returncode) == (SENTENCE + "\n", "", 0)


@pytest.mark.parametrize("client", STREAM_CLIENTS)
@pytest.mark.parametrize("mode", [(), ("--until-close",)], ids=["once", "until-close"])
def test_python_clients_talk_to_the_c_server(
    start: Start,
    program: Command,
    execute: Execute,
    c_programs: Path,
    free_port: int,
    client: str,
    mode: Sequence[str],
) -> None:
    """The C server answers the Python clients, in either mode."""
    start([c_programs / "stream_server", *mode, free_port], free_port)
    done = execute(program(client, "localhost", "--port", free_port))
    assert (done.stdout, done.stderr, done.returncode) == (SENTENCE + "\n", "", 0)


@pytest.mark.parametrize("mode", [(), ("--until-close",)], ids=["once", "until-close"])
def test_the_c_client_talks_to_python_servers(
    start: Start,
    program: Command,
    execute: Execute,
    c_programs: Path,
    free_port: int,
    mode: Sequence[str],
) -> None:
    """The Python server answers the C client, in either mode."""
    start(program("stream_server", "--port", free_port, *mode), free_port)
    done = execute([c_programs / "stream_client", "localhost", free_port])
    assert (done.stdout, done.stderr, done.returncode) == (SENTENCE + "\n", "", 0)


def test_the_c_programs_talk_to_each_other(
    start: Start, execute: Execute, c_programs: Path, free_port: int
) -> None:
    """The lecture's own pair, repaired."""
    start([c_programs / "stream_server", free_port], free_port)
    for _ in range(3):
        done = execute([c_programs / "stream_client", "localhost", free_port])
        assert (done.stdout, done.returncode) == (SENTENCE + "\n", 0)


def test_datagram_programs_talk(
    start: Start, program: Command, execute: Execute, free_port: int
) -> None:
    """The sentence comes back, and the server tells sender and receiver of the packet."""
    server = start(program("datagram_server", "--port", free_port), free_port, "udp")
    assert server.stdout is not None
    for host in ("127.0.0.1", "127.0.0.2"):
        done = execute(program("datagram_client", host, "--port", free_port))
        assert (done.stdout, done.stderr, done.returncode) == (SENTENCE + "\n", "", 0)
        line = server.stdout.readline()
        assert re.fullmatch(rf"127\.0\.0\.1:\d+ -> {host}:{free_port}  1023 bytes\n", line)


@pytest.mark.parametrize("client", STREAM_CLIENTS)
@pytest.mark.parametrize("option", ["", ",nodelay"])
def test_python_clients_talk_to_socat(
    start: Start,
    program: Command,
    execute: Execute,
    socat: str,
    free_port: int,
    client: str,
    option: str,
) -> None:
    """socat's PIPE echoes like an echo server."""
    listen = f"TCP4-LISTEN:{free_port},reuseaddr,fork{option}"
    start([socat, listen, "PIPE"], free_port)
    done = execute(program(client, "localhost", "--port", free_port))
    assert (done.stdout, done.stderr, done.returncode) == (SENTENCE + "\n", "", 0)


def test_the_c_client_talks_to_socat(
    start: Start, execute: Execute, socat: str, c_programs: Path, free_port: int
) -> None:
    """A server that neither of us wrote answers the C client."""
    start([socat, f"TCP4-LISTEN:{free_port},reuseaddr,fork", "PIPE"], free_port)
    done = execute([c_programs / "stream_client", "localhost", free_port])
    assert (done.stdout, done.returncode) == (SENTENCE + "\n", 0)


def test_the_datagram_client_talks_to_socat(
    start: Start, program: Command, execute: Execute, socat: str, free_port: int
) -> None:
    """socat answers a datagram with the same datagram."""
    start([socat, f"UDP4-LISTEN:{free_port},fork", "PIPE"], free_port, "udp")
    done = execute(program("datagram_client", "localhost", "--port", free_port))
    assert (done.stdout, done.stderr, done.returncode) == (SENTENCE + "\n", "", 0)


def by_socat(socat: str, address: str, message: bytes) -> bytes:
    """Send a message through socat and return the reply."""
    command = [socat, "-t", "5", "-", address]
    return subprocess.run(
        command, input=message, capture_output=True, timeout=20, check=True
    ).stdout


@pytest.mark.parametrize("language", ["python", "c"])
def test_socat_talks_to_the_stream_servers(
    request: pytest.FixtureRequest,
    start: Start,
    program: Command,
    socat: str,
    free_port: int,
    other_port: int,
    language: str,
) -> None:
    """One buffer from the lecture's server; 100,000 bytes from the one that goes on."""
    for mode, size in (((), 1023), (("--until-close",), 100_000)):
        port = other_port if mode else free_port
        if language == "c":
            folder = request.getfixturevalue("c_programs")
            start([folder / "stream_server", *mode, port], port)
        else:
            start(program("stream_server", *mode, "--port", port), port)
        message = bytes(range(256)) * (size // 256 + 1)
        message = message[:size]
        assert by_socat(socat, f"TCP4:localhost:{port}", message) == message


def test_socat_talks_to_the_datagram_server(
    start: Start, program: Command, socat: str, free_port: int
) -> None:
    """One datagram there, one back."""
    start(program("datagram_server", "--quiet", "--port", free_port), free_port, "udp")
    command = [socat, "-t", "0.3", "-", f"UDP4:localhost:{free_port}"]
    done = subprocess.run(command, input=b"hallo", capture_output=True, timeout=20, check=True)
    assert done.stdout == b"hallo"


def test_the_lecture_programs_need_the_standard_library_alone(execute: Execute) -> None:
    """Without site-packages every module of echo_app imports."""
    names = [path.stem for path in (ROOT / "echo_app").glob("*.py") if path.stem != "__init__"]
    lines = "; ".join(f"import echo_app.{name}" for name in names)
    done = execute([sys.executable, "-S", "-E", "-s", "-c", lines])
    assert (done.returncode, done.stderr) == (0, "")
