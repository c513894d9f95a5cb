"""Serves 200,000 bytes: `server.py PORT`"""

import sys

from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    return web.Response(body=bytes(200_000))


app = web.Application()
app.router.add_get("/file", answer)
web.run_app(app, port=int(sys.argv[1]), print=None)
