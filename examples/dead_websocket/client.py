"""Reads prices from a WebSocket until the connection ends, and says so.

python3 client.py wrong|right HOST PORT
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

kind, host, port = sys.argv[1:]
every = 2.0 if kind == "right" else None  # seconds between two pings


async def main() -> None:
    async with connect(f"ws://{host}:{port}", ping_interval=every, ping_timeout=3.0) as socket:
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            print("the server is gone", flush=True)


asyncio.run(main())
