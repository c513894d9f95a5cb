"""A little of everything that a record can hold."""

from echolab import Lab, Link, scenario


@scenario(sentence="Ein Beispiel", expect="Everything holds but one claim.")
def everything(
    lab: Lab, loss: float = 0.1, count: int = 8, words: str = "x", fast: bool = True
) -> None:
    lab.step("links")
    lab.shape("client", Link(delay=0.01, drop=(3,)), Link(loss=1.0, toward="server"))
    lab.probe("client", "server", "udp", count=2, interval=0.01, timeout=0.1)
    lab.clear("client")
    lab.shape("client", Link(delay=0.01, loss=loss, jitter=0.001))
    udp = lab.probe("client", "server", "udp", count=count, interval=0.02)
    tcp = lab.probe("client", "server", "tcp", count=count, interval=0.02)
    each = lab.probe("client", "server", "tcp-connect", count=2, interval=0.02)
    lab.step("programs")
    lab.run("client", ["python3", "-m", "echo_app.client", "--help"], trace=True)
    lab.run("client", ["sh", "-c", "echo out; echo err >&2; exit 3"])
    lab.run("client", ["sleep", "100"], timeout=0.1)
    lab.expect_rate("some were lost", udp.lost, count, theory=loss, why="chance")
    lab.expect_time("one way is 10 ms", tcp.median, 0.01, within=0.01)
    lab.expect_range("no figure", float("inf"), high=1)
    lab.expect("a list and a mapping", True, seen=[1, 2.5, "x", None], theory={"a": [True]})
    lab.expect_equal("two connections", each.answered, 2)
