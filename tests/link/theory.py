"""Scenarios that record what netem does to thousands of datagrams; test_netem.py judges it."""

from echolab import Lab, Link, scenario


def send(lab: Lab, link: Link, *, count: int, interval: float, size: int = 64) -> None:
    """Shape the client alone and send datagrams through its link."""
    lab.shape("client", link)
    lab.probe("client", "server", "udp", count=count, interval=interval, size=size)


@scenario
def delay(lab: Lab, count: int = 2000) -> None:
    send(lab, Link(delay=0.05), count=count, interval=0.001)


@scenario
def uniform(lab: Lab, count: int = 5000) -> None:
    send(lab, Link(delay=0.05, jitter=0.02), count=count, interval=0.001)


@scenario
def normal(lab: Lab, count: int = 5000) -> None:
    link = Link(delay=0.05, jitter=0.005, distribution="normal")
    send(lab, link, count=count, interval=0.001)


@scenario
def loss(lab: Lab, count: int = 5000) -> None:
    send(lab, Link(loss=0.1), count=count, interval=0.001)


@scenario
def gilbert(lab: Lab, count: int = 8000) -> None:
    send(lab, Link(loss=0.1, burst=5), count=count, interval=0.001)


@scenario
def duplicate(lab: Lab, count: int = 5000) -> None:
    send(lab, Link(duplicate=0.1), count=count, interval=0.001)


@scenario
def reorder(lab: Lab, count: int = 5000) -> None:
    send(lab, Link(delay=0.05, reorder=0.1), count=count, interval=0.001)


@scenario
def corrupt(lab: Lab, count: int = 5000) -> None:
    send(lab, Link(corrupt=0.1), count=count, interval=0.001, size=500)


@scenario
def rate(lab: Lab, count: int = 1000) -> None:
    send(lab, Link(rate=1e6, limit=2 * count), count=count, interval=0.0001, size=208)


@scenario
def chosen(lab: Lab, count: int = 3000) -> None:
    send(lab, Link(drop=(1, 2, 1000, 2999)), count=count, interval=0.001)
