"""What an operation asks with: lines, datagrams, HTTP, Redis' protocol, and what comes of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from echo_app.client import Client, Refused

Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves one connection after the other by a function, and returns its port."""
    listeners: list[socket.socket] = []

    def begin(handle: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def work() -> None:
            while True:
                try:
                    stream, _ = listener.accept()
                except OSError:
                    return
                with stream:
                    handle(stream)

        threading.Thread(target=work, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield begin
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def noted() -> list[dict[str, object]]:
    return []


@pytest.fixture
def client(noted: list[dict[str, object]]) -> Client:
    return Client("1", "seed", 0.5, lambda facts: noted.append(dict(facts)))


def outcomes(noted: list[dict[str, object]]) -> list[object]:
    return [facts["outcome"] for facts in noted if "outcome" in facts]


def echo(stream: socket.socket) -> None:
    while data := stream.recv(100):
        stream.sendall(data)


def take_one(stream: socket.socket) -> None:
    stream.recv(100)


def take_all(stream: socket.socket) -> None:
    while stream.recv(100):
        pass


def refuse(stream: socket.socket) -> None:
    while stream.recv(100):
        stream.sendall(b"-READONLY no\r\n")


def test_a_line_is_answered_over_a_connection_that_is_kept(client: Client, serve: Serve) -> None:
    port = serve(echo)
    assert client.do("say", lambda: client.line("127.0.0.1", port, "a")) == "a"
    assert client.do("say", lambda: client.line("127.0.0.1", port, "b")) == "b"
    assert len(client._streams) == 1


def test_an_operation_is_noted_when_it_is_asked_for_and_answered(
    client: Client, noted: list[dict[str, object]]
) -> None:
    assert client.do("write", lambda: 7, 3, key="k") == 7
    asked, answered = noted
    assert (asked["function"], asked["argument"], asked["key"]) == ("write", 3, "k")
    assert (answered["outcome"], answered["result"]) == ("ok", 7)
    assert int(str(asked["invoked"])) <= int(str(answered["completed"]))


def test_what_was_refused_has_failed(client: Client, noted: list[dict[str, object]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    client.do("say", lambda: client.line("127.0.0.1", port, "word"))
    client.do("say", client.refuse)
    assert outcomes(noted) == ["fail", "fail"]


def test_what_was_not_answered_is_unknown(
    client: Client, serve: Serve, noted: list[dict[str, object]]
) -> None:
    silent, closing = serve(take_all), serve(take_one)
    client.do("say", lambda: client.line("127.0.0.1", silent, "word"))
    client.do("say", lambda: client.line("127.0.0.1", closing, "word"))
    assert outcomes(noted) == ["unknown", "unknown"]
    assert client._streams == {}


def test_a_datagram_is_answered_by_the_one_that_repeats_its_number(client: Client) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]

        def answer() -> None:
            data, where = server.recvfrom(1000)
            request = json.loads(data)
            for said in (b"noise", b'{"request": "0-0"}'):
                server.sendto(said, where)
            server.sendto(json.dumps({**request, "value": 5}).encode(), where)

        threading.Thread(target=answer, daemon=True).start()
        found = client.do(
            "read", lambda: client.datagram("127.0.0.1", port, {"kind": "read"})["value"]
        )
        assert found == 5


def test_a_request_by_http_gives_status_and_body(client: Client, serve: Serve) -> None:
    heard: list[bytes] = []

    def answer(stream: socket.socket) -> None:
        heard.append(stream.recv(1000))
        stream.sendall(b"HTTP/1.0 201 Created\r\nX: y\r\n\r\nbody")

    port = serve(answer)
    assert client.do("put", lambda: client.http("127.0.0.1", port, "/a", "x")) == (201, "body")
    assert client.do("get", lambda: client.http("127.0.0.1", port, "/a")) == (201, "body")
    assert heard[0].startswith(b"POST /a HTTP/1.0\r\n") and heard[0].endswith(b"\r\n\r\nx")
    assert heard[1].startswith(b"GET /a HTTP/1.0\r\n")


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (b"+OK\r\n", "OK"),
        (b":7\r\n", 7),
        (b"$4\r\na\r\nb\r\n", "a\r\nb"),
        (b"$-1\r\n", None),
        (b"*2\r\n:1\r\n$1\r\nx\r\n", [1, "x"]),
    ],
)
def test_a_reply_by_redis_protocol_is_its_value(
    client: Client, serve: Serve, reply: bytes, value: object
) -> None:
    heard: list[bytes] = []

    def answer(stream: socket.socket) -> None:
        heard.append(stream.recv(1000))
        for byte in reply:
            stream.sendall(bytes([byte]))
        stream.recv(1)

    port = serve(answer)
    assert client.do("get", lambda: client.redis("127.0.0.1", port, "GET", 5)) == value
    assert heard == [b"*2\r\n$3\r\nGET\r\n$1\r\n5\r\n"]


def test_an_error_by_redis_protocol_refuses(
    client: Client, serve: Serve, noted: list[dict[str, object]]
) -> None:
    port = serve(refuse)
    client.do("set", lambda: client.redis("127.0.0.1", port, "SET", "a", 1))
    assert outcomes(noted) == ["fail"]
    with pytest.raises(Refused, match="READONLY"):
        client._deadline = time.monotonic() + 1
        client.redis("127.0.0.1", port, "SET", "a", 1)


def test_a_text_is_answered_by_the_datagram_that_repeats_its_id(client: Client) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        asked: list[bytes] = []

        def answer() -> None:
            data, sender = server.recvfrom(100)
            asked.append(data)
            for text in (b"1-0 old", b"no answer", b"1-1 two words\n"):
                server.sendto(text, sender)

        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        got = client.do("ask", lambda: client.text("127.0.0.1", port, "how many"))
        thread.join()
    assert asked == [b"1-1 how many"]
    assert got == "two words"


def test_a_text_without_an_answer_has_an_unknown_outcome(
    client: Client, noted: list[dict[str, object]]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        client.do("ask", lambda: client.text("127.0.0.1", port, "is anybody there", within=0.01))
    assert outcomes(noted) == ["unknown"]
