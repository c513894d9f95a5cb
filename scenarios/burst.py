"""The same rate of loss in bursts is another world.

In the Gilbert model (tc-netem(8), `loss gemodel`) the link is good or bad; it loses
everything while bad, leaves badness with chance r = 1/burst a packet and enters it with
p = r*loss/(1-loss). What follows one lost packet is lost with chance 1-r, not `loss`.
"""

import itertools

from echolab import Lab, Link, Probe, scenario


def after(probe: Probe, fate: str, most: int) -> tuple[int, int]:
    """Of the first `most` messages of that fate, how many were followed by the other fate.

    A number fixed beforehand keeps the trials independent, as the exact test needs them.
    """
    lost = [exchange.fate == "lost" for exchange in probe.exchanges]
    pairs = [pair for pair in itertools.pairwise(lost) if pair[0] == (fate == "lost")]
    return sum(now != then for now, then in pairs[:most]), len(pairs[:most])


@scenario(
    sentence="keine Garantie für das Ankommen des Paketes bei der Gegenseite",
    expect="Losses come in runs with a mean length of `burst`; the rate is the same.",
)
def burst(lab: Lab, loss: float = 0.10, burst: float = 5.0, count: int = 1500) -> None:
    leave = 1 / burst
    enter = leave * loss / (1 - loss)
    few = round(count * loss / 2)
    longest = []
    for link, stay, come in (
        (Link(loss=loss), loss, loss),
        (Link(loss=loss, burst=burst), 1 - leave, enter),
    ):
        name = "bursts" if link.burst else "independent losses"
        lab.step(name)
        lab.shape("client", link)
        probe = lab.probe("client", "server", "udp", count=count, interval=0.004, timeout=0.5)
        ended, of = after(probe, "lost", few)
        lab.expect_rate(f"{name}: a loss follows a loss", of - ended, of, theory=stay)
        began, of = after(probe, "delivered", count // 2)
        lab.expect_rate(f"{name}: a loss follows a delivery", began, of, theory=come)
        runs = probe.runs_of_losses()
        longest.append(max(runs, default=0))
    lab.expect(
        "the longest run of losses is longer in bursts",
        longest[1] > longest[0],
        seen=longest,
        theory=f"a mean run of {burst:g} against {1 / (1 - loss):.2f}",
    )
