"""Sums the numbers that a client sends, a line each, and answers when the client has sent all.

python3 server.py wrong|right PORT
"""

import asyncio
import sys


class Sum(asyncio.Protocol):
    """One connection."""

    def __init__(self, right: bool) -> None:
        self.right = right
        self.text = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.text += data

    def eof_received(self) -> bool:
        """The client has sent all. Returning False closes the transport as soon as this ends."""
        asyncio.get_running_loop().call_later(0.1, self.answer)  # the answer takes a while
        return self.right

    def answer(self) -> None:
        assert self.transport is not None
        self.transport.write(b"%d\n" % sum(map(int, self.text.split())))
        self.transport.close()


async def main(right: bool, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Sum(right), port=port)
    async with server:
        await server.serve_forever()


asyncio.run(main(sys.argv[1] == "right", int(sys.argv[2])))
