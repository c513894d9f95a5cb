"""Sends a price every second to whoever connects by WebSocket: `server.py PORT`"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, serve


async def prices(connection: ServerConnection) -> None:
    while True:
        await connection.send("42")
        await asyncio.sleep(1)


async def main() -> None:
    async with serve(prices, "", int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
