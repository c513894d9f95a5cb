"""Losses in bursts: the same rate behaves quite differently.

In the Gilbert model (tc-netem(8), `loss gemodel`) the link is good or bad; it loses
everything while bad. With each packet it leaves the bad state with probability r = 1/burst
and enters it with p = r*loss/(1-loss). The packet after a lost one is lost with probability
1-r, not `loss`.
"""

import itertools

from echolab import Lab, Link, Parameter, Probe, scenario


def after(probe: Probe, fate: str, most: int) -> tuple[int, int]:
    """How many of the first `most` messages with that fate were followed by the other fate.

    A number fixed beforehand keeps the trials independent, as the exact test needs them.
    """
    lost = [exchange.fate == "lost" for exchange in probe.exchanges]
    pairs = [pair for pair in itertools.pairwise(lost) if pair[0] == (fate == "lost")]
    return sum(now != then for now, then in pairs[:most]), len(pairs[:most])


@scenario(
    sentence="keine Garantie für das Ankommen des Paketes bei der Gegenseite",
    expect="Losses come in runs with a mean length of `burst`; the rate is the same.",
    parameters={
        "loss": Parameter("share of the packets that die", "%", 0.01, 0.5),
        "burst": Parameter("mean length of a run of losses, in packets", "", 2, 50),
        "count": Parameter("datagrams of each kind", "", 1, 10_000),
    },
    picture="strip",
    stretch="died",
    then="run burst --set burst=20",
)
def burst(lab: Lab, loss: float = 0.10, burst: float = 5.0, count: int = 1500) -> None:
    leave = 1 / burst
    enter = leave * loss / (1 - loss)
    few = round(count * loss / 2)
    longest, gone = [], 0
    for link, stay, come in (
        (Link(loss=loss), loss, loss),
        (Link(loss=loss, burst=burst), 1 - leave, enter),
    ):
        name = "bursts" if link.burst else "independent losses"
        lab.step(name)
        lab.shape("client", link)
        probe = lab.probe("client", "server", "udp", count=count, interval=0.004, timeout=0.5)
        for fate, other, most, theory in (
            ("lost", "loss", few, stay),
            ("delivered", "delivery", count // 2, come),
        ):
            changed, of = after(probe, fate, most)
            lab.expect_rate(
                f"{name}: a loss follows a {other}",
                of - changed if fate == "lost" else changed,
                of,
                theory=theory,
                unless=of == 0 and f"no datagram came after a {other}",
            )
        longest.append(max(probe.runs_of_losses(), default=0))
        gone += probe.lost
    alike = burst < 3 / (1 - loss) or loss * count < 20 * burst
    lab.expect(
        "the longest run of losses is longer in bursts",
        longest[1] > longest[0],
        seen=longest,
        theory=f"a mean run of {burst:g} instead of {1 / (1 - loss):.2f}",
        unless=alike and "runs so short, or so few, may be alike by chance",
    )
    lab.expect_all("datagrams are accounted for", len(probe.exchanges), count)
    lab.conclude(
        True if gone else None,
        f"{gone} of {2 * count} datagrams never arrived; the longest run of losses took "
        f"{longest[0]} with independent losses, {longest[1]} in bursts.",
    )
