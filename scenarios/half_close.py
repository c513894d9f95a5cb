"""`shutdown` ends one direction of a stream: no more is sent, and reading goes on.

A FIN says "I have no more to send" (RFC 9293, section 3.6), not "I do not listen". A server
that must see the end before it can answer needs a client that half-closes; after `close`
the answer meets nobody and is reset (section 3.6.1), which its sender learns as EPIPE.
"""

from echolab import Lab, Link, scenario

PORT = 4000
SIZE = len("Wir erschrecken zu guten Zwecken!")


@scenario(
    sentence="zum Schluß wird die Verbindung wieder abgebaut",
    expect="After shutdown the answer comes; after close it is reset.",
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
