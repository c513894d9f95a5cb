"""The Python stream server against the C program: connect-and-echo exchanges a second.

    .venv/bin/python -m benchmarks.stream_server

One client in C on the same host connects, sends 1023 bytes, receives them and closes. The servers
take turns in short rounds, so that whatever else the machine does affects all of them; each round's
figure is divided by that of the C program in the same round, and the median of these ratios counts.
The exit status is 0 if the lecture's program in Python reaches the bar.

It also measures variants of the program that do less, step by step, and the processor time
that each server takes for an exchange, which is where they differ.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BAR = 0.6
GOAL = 0.9
LIMIT = 30.0

PREPARE = """
import os, socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1]))); s.listen(5)
"""
PRIVATE = "the same without a socket object (private)"
STEPS = {
    "without `with` and `suppress`": """
while True:
    c, _ = s.accept()
    c.send(c.recv(1023)); c.close()
""",
    "os.read, os.write, os.close after detach": """
while True:
    fd = s.accept()[0].detach()
    os.write(fd, os.read(fd, 1023)); os.close(fd)
""",
    PRIVATE: """
while True:
    fd, _ = s._accept()
    os.write(fd, os.read(fd, 1023)); os.close(fd)
""",
}


def build(folder: Path) -> None:
    """Compile the C server with the flags of its Makefile, and the client."""
    sources = (ROOT / "echo_app/c/stream_server.c", ROOT / "benchmarks/stream_load.c")
    for source in sources:
        command = ["cc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-O2", str(source)]
        subprocess.run([*command, "-o", str(folder / source.stem)], check=True, timeout=LIMIT)


def servers(folder: Path) -> dict[str, list[str]]:
    """The commands to measure, each still without its port."""
    python = {name: [sys.executable, "-c", PREPARE + step] for name, step in STEPS.items()}
    return {
        "C": [str(folder / "stream_server")],
        "Python": [sys.executable, "-m", "echo_app.stream_server", "--port"],
        **python,
    }


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("", 0))
        return int(own.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, processor: int) -> Iterator[int]:
    """A server on one processor, ready to answer; yields its process number."""
    process = subprocess.Popen([*command, str(port)], cwd=ROOT)
    try:
        os.sched_setaffinity(process.pid, {processor})
        deadline = time.monotonic() + LIMIT
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), LIMIT).close()
                break
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"{command} does not answer")
            time.sleep(0.01)
        yield process.pid
    finally:
        process.terminate()
        process.wait(LIMIT)


def processor_seconds(pid: int) -> float:
    """User and system time of a process, from /proc/PID/stat (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def exchanges(client: Path, port: int, seconds: float, processor: int) -> float:
    """Exchanges a second of one client with the server on a port."""
    load = subprocess.run(
        [str(client), str(port), str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + LIMIT,
        preexec_fn=lambda: os.sched_setaffinity(0, {processor}),
    )
    return float(load.stdout)


def measure(
    commands: dict[str, list[str]], client: Path, rounds: int, seconds: float
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Each server's rates, round by round, and its processor seconds for one exchange.

    All servers run all the time, each waiting while another is measured; the client has a processor
    of its own if there are two.
    """
    processors = sorted(os.sched_getaffinity(0))
    rates: dict[str, list[float]] = {server: [] for server in commands}
    with contextlib.ExitStack() as cleanup:
        at = {}
        for server, command in commands.items():
            port = free_port()
            at[server] = port, cleanup.enter_context(running(command, port, processors[-1]))
        before = {server: processor_seconds(pid) for server, (_, pid) in at.items()}
        for _ in range(rounds):
            for server, (port, _) in at.items():
                rates[server].append(exchanges(client, port, seconds, processors[0]))
        spent = {server: processor_seconds(pid) - before[server] for server, (_, pid) in at.items()}
    return rates, {server: spent[server] / (sum(rates[server]) * seconds) for server in commands}


def show(rates: dict[str, list[float]], processor: dict[str, float]) -> float:
    """Print a line for each server and what differs; return the Python server's ratio to C."""
    print(f"{'server':<44} {'exchanges/s':>11} {'of C':>6} {'processor µs each':>18}")
    ratios = {}
    for server, found in rates.items():
        pairs = zip(found, rates["C"], strict=True)
        ratios[server] = statistics.median(one / c for one, c in pairs)
        rate = statistics.median(found)
        print(f"{server:<44} {rate:>11.0f} {ratios[server]:>6.2f} {processor[server] * 1e6:>18.1f}")
    public = max((name for name in ratios if name not in ("C", PRIVATE)), key=ratios.__getitem__)
    more = (processor["Python"] - processor["C"]) * 1e6
    print(
        f"How near to {GOAL}: {ratios[public]:.2f} with the public standard library ({public}),\n"
        f"{ratios[PRIVATE]:.2f} with the private accept that returns the bare descriptor.\n"
        "What lies between: the kernel's part is the same for both, and the interpreter adds\n"
        f"{more:.0f} µs of processor time an exchange. accept() makes a socket object and asks\n"
        "getsockname for it, recv() makes a bytes object, and every call is interpreted. A server\n"
        "that never waits for its client is bound by that alone: "
        f"{processor['C'] / processor['Python']:.2f}."
    )
    return ratios["Python"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=float, default=0.2, help="of each round (0.2)")
    options.add_argument("--rounds", type=int, default=25, help="of each server (25)")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        found = measure(servers(folder), folder / "stream_load", chosen.rounds, chosen.seconds)
    ratio = show(*found)
    met = ratio >= BAR
    print(f"Python / C = {ratio:.2f}, the bar is {BAR}: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
