"""5000 bytes to a server that calls `recv` once: some come back, then a reset.

A stream has no messages: one `recv` returns what is there, at most the buffer's 1023 bytes
(recv(2)). `close` with unread bytes reports the loss to the peer with a reset instead of a
FIN (RFC 2525, section 2.17). A server that reads until the peer closes returns everything.
"""

from echolab import Lab, Link, Parameter, scenario

ONCE, ECHO = 4007, 7
BUFFER = 1023


@scenario(
    sentence="MsgLen = recv(ForeignSocket, Puffer, MAXPUF, 0); /* String empfangen */",
    expect="1023 of 5000 bytes come back, then a reset; the other server returns all bytes.",
    parameters={
        "size": Parameter("bytes that the client sends", "bytes", 1, 100_000),
        "delay": Parameter("delay of each way", "s", 0, 1),
    },
    picture="conversations",
    stretch="reset",
    then="run short-read --set size=1000",
)
def short_read(lab: Lab, size: int = 5000, delay: float = 0.02) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    argv = ["python3", "-m", "echo_app.stream_server", "--port", str(ONCE)]
    lab.start("server", argv, trace=True)
    lab.until_listening("server", ONCE)
    resets = lab.counter("server", "TcpExt.TCPAbortOnClose")
    once = lab.python("client", "programs/send_all.py", "server", ONCE, size).facts()
    resets = lab.counter("server", "TcpExt.TCPAbortOnClose") - resets
    fits = size <= BUFFER and f"{size} bytes fit into the server's buffer"
    lab.step("one recv")
    lab.expect_equal("bytes that came back", once["received"], min(size, BUFFER))
    lab.expect("they are the first ones", once["same"])
    lab.expect_equal("the exchange ended with a reset", once["ended"], "reset", unless=fits)
    lab.expect_equal(
        "the server's kernel reset the connection because bytes were unread",
        resets,
        1,
        why="TCPAbortOnClose counts connections closed with unread bytes",
        unless=fits,
    )
    lab.step("recv until the peer closes")
    whole = lab.python("client", "programs/send_all.py", "server", ECHO, size).facts()
    lab.expect_equal("all bytes came back", whole["received"], size)
    lab.expect("unchanged and in order", whole["same"])
    lab.conclude(
        once["received"] == size,
        f"one recv took {once['received']} of {size} bytes; a server that reads until its peer "
        f"closes returned {whole['received']}.",
        only=f"for strings of up to {BUFFER} bytes",
    )
