"""Downloads a file, tries again when that fails, and prints how many bytes it got.

python3 client.py wrong|right HOST PORT
"""

import asyncio
import sys

import aiohttp

kind, host, port = sys.argv[1:]

# How long the whole file takes depends on the link; how long a server may be silent does not.
patience = {
    "wrong": aiohttp.ClientTimeout(total=5),
    "right": aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=5),
}[kind]


async def main() -> None:
    async with aiohttp.ClientSession(timeout=patience) as session:
        for _ in range(4):
            try:
                async with session.get(f"http://{host}:{port}/file") as answer:
                    print(len(await answer.read()))
                    return
            except (TimeoutError, aiohttp.ClientError):
                pass
    print("no file")


asyncio.run(main())
