"""The lecture's exchange itself, as a stream and as a datagram, packet by packet.

A stream begins with three packets that carry no data (SYN, SYN-ACK, ACK; RFC 9293, section
3.5) and ends with a FIN each way. On a datagram socket `connect` sends nothing at all
(connect(2)); one datagram goes out and one comes back (RFC 768, RFC 862).
"""

from echolab import Lab, scenario

SENTENCE = "Wir erschrecken zu guten Zwecken!"


@scenario(
    sentence="Zwischen Client und Server wird eine Verbindung aufgebaut, [...] und zum Schluß "
    "wird die Verbindung wieder abgebaut.",
    expect="Three packets before the first byte of a stream, none before a datagram.",
    picture="conversations",
    stretch="open",
    then="run latency",
)
def echo(lab: Lab) -> None:
    for name in ("stream_client", "datagram_client"):
        argv = ["python3", "-m", f"echo_app.{name}", "server", "--port", "7"]
        told = lab.run("client", argv, trace=True)
        lab.expect(
            f"{name.replace('_', ' ')}: the sentence came back",
            told.stdout.strip() == SENTENCE,
            seen=told.stdout.strip() or told.stderr.strip(),
            theory=SENTENCE,
        )
    packets = {}
    for kind in ("stream", "datagram"):
        facts = lab.python("client", "programs/packets.py", "server", kind).facts()
        packets[kind] = {call: sent + came for call, sent, came, _ in facts["steps"]}
        lab.expect(f"{kind}: all 1023 bytes came back as they were", facts["same"])
    lab.expect_equal(
        "a stream costs three packets before its first byte", packets["stream"]["connect"], 3
    )
    lab.expect_equal("a datagram costs none", packets["datagram"]["connect"], 0)
    lab.expect_equal(
        "the exchange of two datagrams takes two packets", packets["datagram"]["close"], 2
    )
    lab.expect_range(
        "the exchange over a stream takes about ten",
        packets["stream"]["close"],
        low=8,
        high=12,
        theory="8 to 12",
        why="three to connect, two with data, two FINs, and ACKs that no other packet carries",
    )
    packets_of = packets["stream"]
    lab.conclude(
        packets_of["connect"] > 0,
        f"{packets_of['connect']} packets go before the first byte of the stream, "
        f"{packets_of['close']} in all; a datagram's exchange takes "
        f"{packets['datagram']['close']}.",
    )
