"""The claims of `loss` and of `burst`, drawn many times in one run; see false_alarms.py.

Datagrams are lost independently of each other, so every twenty of them are a draw. In bursts the
fate of a datagram depends only on that of the one before, so every twenty that follow a lost
datagram are a draw, and every twenty that follow a delivered one.
"""

import itertools

from echolab import Lab, Link, scenario


@scenario
def loss(lab: Lab, draws: int = 250, count: int = 20, loss: float = 0.1) -> None:
    for host in ("client", "server"):
        lab.shape(host, Link(loss=loss))
    probe = lab.probe("client", "server", "udp", count=draws * count, interval=0.001)
    for number in range(draws):
        drawn = probe.exchanges[number * count : (number + 1) * count]
        missing = sum(exchange.fate != "delivered" for exchange in drawn)
        lab.expect_rate(f"draw {number}", missing, count, theory=1 - (1 - loss) ** 2)


@scenario
def burst(
    lab: Lab, draws: int = 250, count: int = 20, loss: float = 0.5, burst: float = 4.0
) -> None:
    lab.shape("client", Link(loss=loss, burst=burst))
    sent = round(draws * count * 1.1)
    probe = lab.probe("client", "server", "udp", count=sent, interval=0.001)
    lost = [exchange.fate == "lost" for exchange in probe.exchanges]
    pairs = list(itertools.pairwise(lost))
    enter = 1 / burst * loss / (1 - loss)
    for before, theory in ((True, 1 - 1 / burst), (False, enter)):
        follows = [now for then, now in pairs if then == before]
        for number in range(draws // 2):
            drawn = follows[number * count : (number + 1) * count]
            name = f"draw {number} after a {'loss' if before else 'delivery'}"
            short = len(drawn) < count and "too few datagrams came after that"
            lab.expect_rate(name, sum(drawn), len(drawn), theory=theory, unless=short)
