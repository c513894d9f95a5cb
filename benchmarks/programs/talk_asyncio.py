"""Tasks of asyncio that talk to a server, and print whatever chance and time have told them."""

import asyncio
import os
import random
import sys
import time

PORT = 7000


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        await asyncio.sleep(random.uniform(0, 0.005))  # noqa: S311 (no secret)
        writer.write(f"{time.time_ns()} {random.random()}\n".encode())  # noqa: S311
        await writer.drain()
    writer.close()


async def serve() -> None:
    async with await asyncio.start_server(answer, "0.0.0.0", PORT) as server:
        await server.serve_forever()


async def ask(host: str, worker: int, answers: set[str]) -> None:
    reader, writer = await asyncio.open_connection(host, PORT)
    for number in range(8):
        writer.write(f"{os.urandom(8).hex()}\n".encode())
        line = (await reader.readline()).decode()
        spent = await asyncio.to_thread(time.monotonic_ns)
        answers.add(f"{worker} {number} {spent} {line}")
    writer.close()


async def main(host: str) -> None:
    answers: set[str] = set()
    await asyncio.gather(*(ask(host, worker, answers) for worker in range(4)))
    print("".join(answers), id(answers), random.getrandbits(64))


asyncio.run(serve() if sys.argv[1] == "serve" else main(sys.argv[2]))
