"""`./lab run latency` on Docker against a plain shell script with the same exchanges.

    .venv/bin/python -m benchmarks.latency [--runs N]

The script starts the same two containers with `docker run`, makes the same three probes
with `docker exec` and removes the containers. Both run in turn, and each pair gives a ratio.
The bar is a median of at most 1.5. The images must be built (`./lab build images`).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BAR = 1.5
LIMIT = 300.0

SCRIPT = """\
set -eu
network=$(docker network create --internal echolab-plain-$$)
clean() {
    docker rm --force "$server" "$client" >/dev/null
    docker network rm "$network" >/dev/null
}
trap clean EXIT
run="docker run --detach --init --user 10007:10007 --cap-drop ALL --read-only --tmpfs /tmp \
--sysctl net.ipv4.ip_unprivileged_port_start=0 --network $network"
server=$($run --network-alias server echolab-host python3 -m echo_app.server)
client=$($run echolab-host sleep infinity)
until docker exec "$server" python3 -m echo_app.health; do :; done
for protocol in udp tcp tcp-connect; do
    docker exec "$client" python3 -m echo_app.probe server --protocol "$protocol" \
        --count 40 --interval 0.25 --size 64 --timeout 1
done
"""


def seconds(argv: Sequence[str]) -> float:
    """How long a command takes; it must succeed."""
    started = time.monotonic()
    subprocess.run(argv, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=LIMIT, check=True)
    return time.monotonic() - started


def main() -> int:
    """Run both in turn, print each pair, and say whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        lab = ["./lab", "run", "latency", "--engine", "docker", "--out", folder]
        for _ in range(runs):
            plain = seconds(["sh", "-c", SCRIPT])
            ours = seconds(lab)
            ratios.append(ours / plain)
            print(f"script {plain:.1f} s, lab {ours:.1f} s, ratio {ratios[-1]:.2f}")
    ratio = statistics.median(ratios)
    print(f"median ratio {ratio:.2f}, bar {BAR}")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
