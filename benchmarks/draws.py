"""The claim of `loss`, drawn many times in one run; see false_alarms.py.

Each datagram is lost or not by itself, so that every few of them are a draw of their own.
"""

from echolab import Lab, Link, scenario


@scenario
def draws(lab: Lab, draws: int = 250, count: int = 20, loss: float = 0.1) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(loss=loss))
    probe = lab.probe("client", "server", "udp", count=draws * count, interval=0.001)
    for number in range(draws):
        drawn = probe.exchanges[number * count : (number + 1) * count]
        missing = sum(exchange.fate != "delivered" for exchange in drawn)
        lab.expect_rate(f"draw {number}", missing, count, theory=1 - (1 - loss) ** 2)
