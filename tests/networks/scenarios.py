"""What is looked at in each lab of topologies.py, on every engine."""

import json
from pathlib import Path

from echolab import Lab, Link, scenario

LOOK = Path(__file__).with_name("look.py").read_text(encoding="utf-8")


def owners(lab: Lab) -> dict[str, str]:
    """The host, with its network, of each address of the lab."""
    return {
        ip: f"{name}.{way.network}{'.6' if ':' in ip else ''}"
        for name in lab.hosts
        if name != "side"  # which has another host's addresses
        for way in lab.network.interfaces[name]
        for ip in way.address.all()
    }


@scenario(baseline=False)
def seen(lab: Lab, names: str = "", targets: str = "", of: str = "") -> None:
    """Names, reach and paths, as one note that must be the same on every engine."""
    known = owners(lab)
    told = {}
    for host in filter(None, of.split(",")):
        wanted = [ip for ip, one in known.items() if one.partition(".")[0] in targets.split(",")]
        asked = {"names": [*lab.hosts, *filter(None, names.split(","))], "targets": wanted}
        done = lab.run(host, ["python3", "-c", LOOK, json.dumps(asked)])
        answer = json.loads(done.stdout)
        told[host] = {
            "names": {
                name: sorted(known.get(ip, ip) for ip in found)
                for name, found in answer["names"].items()
            },
            "ways": {
                known[ip]: None if way is None else [known.get(hop, hop) for hop in way]
                for ip, way in answer["ways"].items()
            },
        }
    lab.note("seen", value=told)


@scenario(baseline=False)
def shaped(lab: Lab, host: str = "", network: str = "", to: str = "", hops: int = 1) -> None:
    """A link on one device of one host shapes what goes by it, and no more than that."""
    ip = lab.address(to).ip
    clear = lab.probe(host, ip, count=20)
    lab.expect_time("without a link", clear.median, 0.0)
    lab.shape(host, Link(delay=0.03), network=network or None)
    lab.expect_time("behind a link", lab.probe(host, ip, count=20).median, 0.03)
    lab.shape(host, Link(delay=0.05, toward=to))
    lab.expect_time("toward", lab.probe(host, ip, count=20).median, 0.05)
    lab.clear(host)
    lab.shape(to, Link(loss=0.2))
    lost = lab.probe(host, ip, count=200, interval=0.005, timeout=0.5).lost
    lab.expect_rate("lost on the way back", lost, 200, theory=0.2)
    lab.clear(to)
