"""main PORT: send everything back to many clients, by coroutines."""

import asyncio
import sys


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1023):
            writer.write(piece)
            await writer.drain()
    except OSError as error:
        print(f"main: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[1]), backlog=64)
    await server.serve_forever()


try:
    asyncio.run(main())
except OSError as error:
    print(f"main: {error}", file=sys.stderr)
    sys.exit(1)
