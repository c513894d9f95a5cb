"""`shutdown` ends one direction of a stream: nothing more is sent, but reading goes on.

A FIN says "I have no more to send" (RFC 9293, section 3.6), not "I do not listen". A server
that must see the end before it can answer needs a client that half-closes. After `close`
nobody takes the answer: it is reset (section 3.6.1), and its sender sees EPIPE.
"""

from echolab import Lab, Link, Parameter, scenario

PORT = 4000
SIZE = len("Wir erschrecken zu guten Zwecken!")


@scenario(
    sentence="zum Schluß wird die Verbindung wieder abgebaut",
    expect="After shutdown the answer comes; after close it is reset.",
    parameters={"delay": Parameter("delay of each way", "s", 0, 0.4)},
    picture="conversations",
    stretch="close",
    then="run half-close --set delay=0.2",
)
def half_close(lab: Lab, delay: float = 0.02) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(delay=delay))
    server = lab.python("server", "programs/answer_at_end.py", "serve", PORT, 2, trace=True)
    lab.until_listening("server", PORT)
    asked = {
        manner: lab.python(
            "client", "programs/answer_at_end.py", "ask", "server", PORT, manner, trace=True
        ).facts()
        for manner in ("shutdown", "close")
    }
    met = dict(zip(asked, server.facts(), strict=True))
    for manner, answer in (("shutdown", "taken"), ("close", "EPIPE")):
        lab.step(manner)
        size = met[manner]["bytes"]
        lab.expect_equal("the server read to the end", size, SIZE)
        seen = met[manner]["answer"]
        lab.expect_equal(f"its answer was: {answer}", seen, answer)
    lab.step("shutdown")
    told = asked["shutdown"]["told"]
    lab.expect_equal("the client heard the answer", told, SIZE)
    writing = asked["shutdown"]["writing"]
    lab.expect_equal("but could write no more", writing, "EPIPE")
    lab.conclude(
        True,
        f"after shutdown the client still heard {told} bytes of answer; after close the answer "
        f"met {met['close']['answer']}.",
        only="one direction at a time",
    )
