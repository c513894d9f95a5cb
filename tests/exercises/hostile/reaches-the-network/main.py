"""Tries to reach the world outside."""

import socket
import sys

for address in ("1.1.1.1", "8.8.8.8", "172.17.0.1", "192.168.0.1"):
    with socket.socket() as probe:
        probe.settimeout(5)
        try:
            probe.connect((address, 53))
            print("reached", address, file=sys.stderr)
        except OSError as error:
            print(address, error, file=sys.stderr)
sys.exit(3)
