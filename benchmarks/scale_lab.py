"""The scenarios of scale.py: many hosts with links, and many clients at once."""

import json

from echolab import Lab, Link, scenario

SAMPLER = """
import time
longest = 0
until = time.monotonic() + 2
while time.monotonic() < until:
    for line in open("/proc/net/tcp").readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[1].endswith(":0007"):
            longest = max(longest, int(fields[4].partition(":")[2], 16))
    time.sleep(0.01)
print(longest)
"""


@scenario(baseline=False)
def up(lab: Lab) -> None:
    """The hosts are up, each with a link of its own; one program says so."""
    for number, host in enumerate(lab.hosts):
        lab.shape(host, Link(delay=0.01 + number / 1e6))
    lab.run("server", ["true"])


@scenario(baseline=False)
def echoing(lab: Lab) -> None:
    """Every client has a link of its own, and all connect and echo."""
    clients = [host for host in lab.hosts if host != "server"]
    for client in clients:
        lab.shape(client, Link(delay=0.01))
    sampler = lab.start("server", ["python3", "-c", SAMPLER])
    pending = [lab.start_probe(client, "server", "tcp-connect", count=5) for client in clients]
    probes = [probe.wait() for probe in pending]
    for fate in ("delivered", "late", "lost"):
        seen = sum(getattr(probe, fate) for probe in probes)
        lab.expect(f"messages {fate} of {5 * len(clients)}", True, seen=seen)
    queue = int(json.loads(sampler.wait().stdout))
    lab.expect("connections that waited in the listen queue", True, seen=queue)
    for name in ("ListenOverflows", "ListenDrops"):
        seen = lab.counter("server", f"TcpExt.{name}")
        lab.expect(f"{name} of the server", True, seen=seen)
