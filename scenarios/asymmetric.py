"""The way there and the way back are two different links.

A link shapes what one host sends. A round trip is the sum of both ways, and half of it is
neither way: what NTP assumes (RFC 5905, section 8) is wrong here by half the difference.
An answer can be missing although the server received the question.
"""

from echolab import Lab, Link, Parameter, scenario

PORT = 4000


@scenario(
    sentence="Datagramme werden gleichsam als “Pakete” mit Absender- und Empfängeradresse "
    "verschickt.",
    expect="A round trip is the sum of both ways; with loss on the way back alone, the server "
    "receives every question.",
    parameters={
        "there": Parameter("delay of the way there", "s", 0, 0.2),
        "back": Parameter("delay of the way back", "s", 0, 0.2),
        "loss": Parameter("chance that a packet dies on the way back", "%", 0, 0.9),
        "count": Parameter("questions", "", 1, 5000),
    },
    picture="distribution",
    stretch="datagram",
    then="run asymmetric --set loss=50%",
)
def asymmetric(
    lab: Lab, there: float = 0.01, back: float = 0.07, loss: float = 0.2, count: int = 400
) -> None:
    lab.shape("client", Link(delay=there))
    lab.shape("server", Link(delay=back))
    lab.step("times")
    lab.python("server", "programs/one_way.py", "serve", PORT)
    lab.until_listening("server", PORT, "udp")
    seen = lab.python("client", "programs/one_way.py", "ask", "server", PORT, 21).facts()
    lab.expect_time("the way there", seen["there"][10], there)
    lab.expect_time("the way back", seen["back"][10], back)
    connects = lab.probe("client", "server", "tcp-connect", count=10, interval=0.2)
    trip = there + back
    lab.expect_time(
        "a handshake takes both ways", connects.connect.median if connects.connect else None, trip
    )
    lab.expect_time("connect and echo take both ways twice", connects.median, 2 * trip)
    lab.step("losses on the way back alone")
    lab.shape("server", Link(delay=back, loss=loss))
    questions = lab.counter("server", "Udp.InDatagrams")
    datagrams = lab.probe("client", "server", "udp", count=count)
    questions = lab.counter("server", "Udp.InDatagrams") - questions
    missing = datagrams.lost + datagrams.late
    lab.expect_equal("questions that the server received", questions, count)
    lab.expect_rate("questions without an answer", missing, count, theory=loss)
    lab.expect_time(
        "the answered ones took one round trip",
        datagrams.median,
        trip,
        unless=missing == count and "no question was answered",
    )
    lab.conclude(
        True,
        f"each packet finds its own way: {seen['there'][10] * 1e3:.3f} ms there, "
        f"{seen['back'][10] * 1e3:.3f} ms back; of {count} questions that arrived, "
        f"{missing} stayed without an answer.",
    )
