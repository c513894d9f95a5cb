"""The scenario of exact.py: mebibytes over a link of 10 Mbit/s, 20 ms and 1 % loss."""

from echolab import Lab, Link, scenario

PORT = 4000
PROGRAM = "../scenarios/programs/bulk.py"


@scenario(baseline=False)
def mebibytes(lab: Lab, count: int = 1) -> None:
    """That many over one connection, in the kernel's usual way."""
    lab.shape("client", Link(rate=10e6, delay=0.02, loss=0.01))
    lab.shape("server", Link(delay=0.02))
    taker = lab.python("server", PROGRAM, "take", PORT)
    lab.until_listening("server", PORT)
    lab.python("client", PROGRAM, "send", "server", PORT, count << 20, "cubic").facts()
    lab.expect_equal("bytes that arrived", taker.facts()["bytes"], count << 20)
