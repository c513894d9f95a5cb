"""The servers as processes: rude peers, the port they take, how they end."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Callable, Sequence

import pytest

from echo_app import server as host_server
from echo_app import stream_server
from tests.echo_app.interfaces import Command, Execute, Process, ServeStreams, Start

LIMIT = 20


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)


def whole(connection: socket.socket) -> bytes:
    """Everything until the peer closes."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture(params=["python", "c"])
def server(
    request: pytest.FixtureRequest, start: Start, program: Command, free_port: int
) -> Callable[..., Process]:
    """Start a stream server of either language with some options; returns its process."""

    def begin(*options: object) -> Process:
        if request.param == "c":
            folder = request.getfixturevalue("c_programs")
            return start([folder / "stream_server", *options, free_port], free_port)
        return start(program("stream_server", *options, "--port", free_port), free_port)

    return begin


def test_one_recv_of_1023_bytes_is_sent_back_and_no_more(
    server: Callable[..., Process], free_port: int
) -> None:
    """The lecture's server: of 5000 bytes at most 1023 come back before it closes."""
    server()
    with connect(free_port) as client:
        client.sendall(b"y" * 5000)
        echo = client.recv(5000)
        assert 0 < len(echo) <= 1023
        with pytest.raises(ConnectionResetError):
            while client.recv(5000):
                pass
            raise ConnectionResetError("closed without a reset: nothing was unread")


def test_the_lectures_server_closes_after_one_answer(
    server: Callable[..., Process], free_port: int
) -> None:
    """Whoever sends in two pieces gets the first back, and then the end."""
    server()
    with connect(free_port) as client:
        client.sendall(b"eins")
        assert whole(client) == b"eins"


def test_until_close_echoes_everything(server: Callable[..., Process], free_port: int) -> None:
    """RFC 862: until the peer closes, whatever the pieces; half-closing ends it."""
    server("--until-close")
    with connect(free_port) as client:
        for piece in (b"eins", b"zwei", b"drei" * 5000):
            client.sendall(piece)
            data = b""
            while len(data) < len(piece):
                data += client.recv(65536)
            assert data == piece
        client.sendall(b"zum Schluss")
        client.shutdown(socket.SHUT_WR)
        assert whole(client) == b"zum Schluss"


@pytest.mark.parametrize("options", [(), ("--until-close",)], ids=["once", "until-close"])
def test_rude_peers_do_not_end_the_server(
    server: Callable[..., Process], free_port: int, options: Sequence[str]
) -> None:
    """A reset at once, a reset after sending, a silent close: the next client is answered."""
    process = server(*options)
    reset(connect(free_port))
    client = connect(free_port)
    client.send(b"x" * 5000)
    reset(client)
    connect(free_port).close()
    with connect(free_port):  # keeps the server busy while the next one sends and resets
        for half_closed in (False, True):  # a reset after a FIN is EPIPE, and may raise SIGPIPE
            impatient = connect(free_port)
            impatient.send(b"x")
            if half_closed:
                impatient.shutdown(socket.SHUT_WR)
            reset(impatient)
    with connect(free_port) as client:
        client.sendall(b"noch da?")
        client.shutdown(socket.SHUT_WR)
        assert whole(client) == b"noch da?"
    assert process.poll() is None


def test_a_restart_gets_its_port_back_at_once(
    server: Callable[..., Process], free_port: int
) -> None:
    """SO_REUSEADDR: connections in TIME-WAIT on the server's side do not hold the port."""
    first = server()
    with connect(free_port) as client:
        client.sendall(b"x")
        assert whole(client) == b"x"  # the server closed first: TIME-WAIT is on its side
    first.terminate()
    first.wait(LIMIT)
    server()


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("stream_server", "tcp", ()),
        ("stream_server", "tcp", ("--until-close",)),
        ("datagram_server", "udp", ()),
        ("server", "tcp", ()),
    ],
)
def test_sigterm_ends_a_server_cleanly(
    start: Start, program: Command, free_port: int, name: str, kind: str, options: Sequence[str]
) -> None:
    """Status 0 and not a word, also while a client is connected."""
    process = start(program(name, *options, "--port", free_port), free_port, kind)
    held = connect(free_port) if kind == "tcp" else None
    time.sleep(0.1)
    process.terminate()
    assert process.wait(LIMIT) == 0
    assert process.communicate(timeout=LIMIT) == ("", "")
    if held:
        held.close()


@pytest.mark.parametrize("name", ["stream_server", "datagram_server", "server"])
def test_a_port_in_use_is_one_clear_line_and_status_2(
    execute: Execute, program: Command, free_port: int, name: str
) -> None:
    """It says which port and what to do."""
    kind = socket.SOCK_DGRAM if name == "datagram_server" else socket.SOCK_STREAM
    with socket.socket(type=kind) as holder:
        holder.bind(("", free_port))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        done = execute(program(name, "--port", free_port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"port {free_port} is in use" in done.stderr
    assert "--port" in done.stderr


def test_the_server_host_needs_both_its_ports(
    execute: Execute, program: Command, free_port: int
) -> None:
    """The datagram port taken: one line, status 2, and the stream port is free again."""
    with socket.socket(type=socket.SOCK_DGRAM) as holder:
        holder.bind(("", free_port))
        assert execute(program("server", "--port", free_port)).returncode == 2
    with socket.socket() as stream:
        stream.bind(("", free_port))


def test_the_datagram_server_answers_any_size(
    start: Start, program: Command, free_port: int
) -> None:
    """From nothing to the largest datagram there is."""
    start(program("datagram_server", "--quiet", "--port", free_port), free_port, "udp")
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        for size in (0, 1, 1023, 1024, 65507):
            client.sendto(b"z" * size, ("127.0.0.1", free_port))
            assert client.recv(65535) == b"z" * size


def test_a_datagram_that_cannot_be_answered_does_not_end_the_server(
    start: Start, program: Command, free_port: int
) -> None:
    """A sender that is gone again is refused by ICMP; the next sender is answered."""
    start(program("datagram_server", "--port", free_port), free_port, "udp")
    for _ in range(3):
        with socket.socket(type=socket.SOCK_DGRAM) as gone:
            gone.sendto(b"x", ("127.0.0.1", free_port))
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        client.sendto(b"y", ("127.0.0.1", free_port))
        assert client.recv(10) == b"y"


def test_a_sender_without_a_port_does_not_end_the_server(
    start: Start, program: Command, free_port: int
) -> None:
    """Port 0 cannot be answered (RFC 768: "if not used"): said, and the next one is answered."""
    server = start(program("datagram_server", "--port", free_port), free_port, "udp")
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        pytest.skip("a sender without a port needs a raw socket, and that root")
    with raw:
        raw.sendto(struct.pack("!HHHH", 0, free_port, 9, 0) + b"x", ("127.0.0.1", 0))
    assert server.stderr is not None
    assert server.stderr.readline() == "no answer to 127.0.0.1:0: Invalid argument\n"
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        client.sendto(b"y", ("127.0.0.1", free_port))
        assert client.recv(10) == b"y"


def test_until_close_holds_no_reply_back() -> None:
    """Without Nagle: on a long way each reply leaves at once, not with the next acknowledgement."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with connect(listener.getsockname()[1]) as client:
            foreign_socket, _ = listener.accept()
            client.send(b"x")
        with foreign_socket:
            stream_server.echo(foreign_socket)
            assert foreign_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_datagram_server_can_be_quiet(start: Start, program: Command, free_port: int) -> None:
    """With --quiet it answers and prints nothing."""
    server = start(program("datagram_server", "--quiet", "--port", free_port), free_port, "udp")
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        client.sendto(b"y", ("127.0.0.1", free_port))
        client.recv(10)
    server.terminate()
    assert server.communicate(timeout=LIMIT) == ("", "")


@pytest.fixture
def server_host(start: Start, program: Command, free_port: int) -> Process:
    """The server host's program."""
    return start(program("server", "--port", free_port), free_port, "udp")


def test_the_server_host_answers_both_and_is_healthy(
    server_host: Process, execute: Execute, program: Command, free_port: int
) -> None:
    """A stream and a datagram, and the health check says so with status 0 and no word."""
    done = execute(program("health", "--port", free_port))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_client_that_vanished_does_not_keep_others_waiting(
    server_host: Process, execute: Execute, program: Command, free_port: int
) -> None:
    """Some streams that stay open and silent: the next client is answered all the same."""
    held = [connect(free_port) for _ in range(5)]
    with connect(free_port) as client:
        client.sendall(b"noch da?")
        client.shutdown(socket.SHUT_WR)
        assert whole(client) == b"noch da?"
    for connection in held:
        connection.close()


def test_so_many_streams_are_answered_at_the_same_time(
    server_host: Process, free_port: int
) -> None:
    """Each of them while all others are open, and the next one when one of them has closed."""
    held = [connect(free_port) for _ in range(host_server.CLIENTS)]
    for connection in held:
        connection.sendall(b"noch da?")
        assert connection.recv(100) == b"noch da?"
    with connect(free_port) as waiting:
        waiting.sendall(b"und ich?")
        held.pop().close()
        assert waiting.recv(100) == b"und ich?"
    for connection in held:
        connection.close()


def test_ended_the_server_host_closes_its_streams(server_host: Process, free_port: int) -> None:
    """SIGTERM ends it with status 0, however many streams are open."""
    with connect(free_port) as client:
        client.sendall(b"noch da?")
        assert client.recv(100) == b"noch da?"
        server_host.terminate()
        assert server_host.wait(LIMIT) == 0
        assert client.recv(100) == b""


def test_a_server_that_fails_ends_the_server_host_with_an_error(
    server_host: Process, free_port: int
) -> None:
    """It says which one failed and why, and ends with status 1."""
    resource.prlimit(server_host.pid, resource.RLIMIT_NOFILE, (3, 3))
    with connect(free_port), connect(free_port):  # the two threads that wait have their numbers
        assert server_host.wait(LIMIT) == 1
    assert server_host.communicate(timeout=LIMIT)[1] == (
        "echo_app.server: stream server: Too many open files\n"
    )


def test_nothing_listening_is_unhealthy(execute: Execute, program: Command, free_port: int) -> None:
    """Status 1 and the reason."""
    done = execute(program("health", "--port", free_port))
    assert done.returncode == 1
    assert done.stderr.startswith("echo_app.health: no stream echo from 127.0.0.1")
    assert done.stderr.count("\n") == 1


def test_half_a_server_is_unhealthy(
    start: Start, execute: Execute, program: Command, free_port: int
) -> None:
    """Streams alone are not enough."""
    start(program("stream_server", "--port", free_port), free_port)
    done = execute(program("health", "--port", free_port))
    assert done.returncode == 1
    assert "no datagram echo" in done.stderr


def test_a_wrong_reply_is_unhealthy(
    stream_server: ServeStreams, execute: Execute, program: Command
) -> None:
    """An answer is an echo only where it is what was sent."""
    port = stream_server(lambda connection: connection.sendall(b"x" * len(connection.recv(99))))
    done = execute(program("health", "--port", port))
    assert done.returncode == 1
    assert "the reply is not what was sent" in done.stderr
