"""The local server of a watched run: its page, and what passes between the two.

It listens on 127.0.0.1 alone. Every address has a token in it that nobody can guess, and what
opens the page's socket must be that page: the origin and the host that a browser tells are
checked (RFC 6455, 10.2), so that no other page can reach the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import math
import secrets
import socket
from collections.abc import AsyncIterator, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from echolab import sayings
from echolab.errors import BadInput
from echolab.intervention import Intervention
from echolab.record import Json
from echolab.record.format import plain, read
from echolab.watch import calls, flights, page
from echolab.watch.calls import ShownCall
from echolab.watch.session import Seen, Session

ADDRESS = "127.0.0.1"

LINGER = 3.0
"""Seconds after which a run ends whose page was closed: a page that is loaded anew is back
before."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

ASKED = "what the page asks for"

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _OwnHost:
    """Refuses whoever calls this server by another name than its own (DNS rebinding)."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            named = [value for name, value in scope["headers"] if name == b"host"]
            if named != [self._host]:
                if scope["type"] == "http":
                    await PlainTextResponse("not here", 421)(scope, receive, send)
                else:
                    await WebSocket(scope, receive, send).close(4403)
                return
        await self._app(scope, receive, send)


class Server:
    """Serves one session at `url` until its page is closed.

    `html` is the page. The session is made by `open_session`, which is given what to call, from
    any thread, when there is more to see.
    """

    def __init__(
        self, html: str, open_session: Callable[[Callable[[], None]], Session], *, port: int = 0
    ) -> None:
        self._html = html
        self._socket = socket.create_server((ADDRESS, port))
        self._host = f"{ADDRESS}:{self._socket.getsockname()[1]}"
        self._token = secrets.token_urlsafe(24)
        self.url = f"http://{self._host}/{self._token}/"
        self._open_session = open_session
        self._session: Session | None = None
        self._pages: set[_Page] = set()
        self._leaving: asyncio.TimerHandle | None = None
        routes = [
            Route("/{token}/", self._show),
            Route("/{token}/{name}", self._file),
            WebSocketRoute("/{token}/run", self._talk),
        ]
        app = Starlette(routes=routes, lifespan=self._lifespan)
        config = uvicorn.Config(
            _OwnHost(app, self._host),
            log_level="error",
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=1 << 16,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    def serve(self) -> None:
        """Serve until the page is closed, or until an interrupt."""
        try:
            self._server.run([self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Have `serve` return soon."""
        self._server.should_exit = True

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(changed.set)

        self._session = await asyncio.to_thread(self._open_session, tell)
        pump = asyncio.create_task(self._pump(changed))
        try:
            yield
        finally:
            pump.cancel()

    # --- what the browser asks for

    def _known(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self._token.encode())

    async def _show(self, request: Request) -> Response:
        if not self._known(request.path_params["token"]):
            return PlainTextResponse("not here", 404)
        return Response(self._html, media_type="text/html", headers=HEADERS)

    async def _file(self, request: Request) -> Response:
        found = page.files().get(request.path_params["name"])
        if found is None or not self._known(request.path_params["token"]):
            return PlainTextResponse("not here", 404)
        return Response(found[0], media_type=found[1], headers=HEADERS)

    async def _talk(self, websocket: WebSocket) -> None:
        own = websocket.headers.get("origin") == f"http://{self._host}"
        if not own or not self._known(websocket.path_params["token"]):
            await websocket.close(4403)
            return
        await websocket.accept()
        assert self._session is not None
        shown = _Page(websocket)
        self._pages.add(shown)
        if self._leaving is not None:
            self._leaving.cancel()
        try:
            await self._tell(shown)
            while True:
                asked = json.loads(await websocket.receive_text())
                if isinstance(asked, dict):
                    await self._do(asked, shown)
        except (WebSocketDisconnect, ValueError):
            pass
        finally:
            self._pages.discard(shown)
            if not self._pages:
                loop = asyncio.get_running_loop()
                self._leaving = loop.call_later(LINGER, self.stop)

    # --- what passes between the run and its page

    async def _pump(self, changed: asyncio.Event) -> None:
        """Tell every page what is new, whenever something is."""
        while True:
            await changed.wait()
            changed.clear()
            for shown in tuple(self._pages):
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await self._tell(shown)

    async def _tell(self, shown: _Page) -> None:
        session = self._session
        assert session is not None
        async with shown.turn:
            run, other, without = session.run, session.other, session.without
            seen = await asyncio.to_thread(run.seen)
            if run is not session.run:
                return
            early = seen.opening is None or seen.horizon < session.target
            if early and not run.ended:
                return
            interventions = [plain(one) for one in session.interventions]
            message = shown.main.news(run.generation, seen)
            message |= {"interventions": interventions, "followed": session.followed}
            message["without"] = None if without is None else plain(without)
            if other is not None:
                beside = await asyncio.to_thread(other.seen)
                message["other"] = shown.other.news(other.generation, beside)
            await shown.say(message)

    async def _do(self, asked: dict[str, Json], shown: _Page) -> None:
        """Do what a page asks for."""
        session = self._session
        assert session is not None
        want = asked.get("want")
        if isinstance(want, (int, float)) and math.isfinite(want):
            if asked.get("generation") == session.run.generation:
                session.want(want)
        elif "follow" in asked:
            second = asked["follow"]
            if isinstance(second, (int, float)) and math.isfinite(second):
                await asyncio.to_thread(session.follow, second)
        elif "without" in asked:
            try:
                compared = read(_Compared, asked, ASKED)
                await asyncio.to_thread(session.compare, compared.without, compared.second)
            except BadInput as error:
                await shown.say({"refused": sayings.error(error.message)})
            await self._tell(shown)
        elif "interventions" in asked:
            await self._intervene(shown, lambda: read(_Asked, asked, ASKED))
        elif "packet" in asked:
            await self._intervene(shown, lambda: read(_AskedOfPacket, asked, ASKED).of(session))

    async def _intervene(self, shown: _Page, wanted: Callable[[], _Asked]) -> None:
        """Perform the run with what a page wants, or tell the page why not."""
        session = self._session
        assert session is not None
        try:
            found = await asyncio.to_thread(wanted)
        except BadInput as error:
            await shown.say({"refused": sayings.error(error.message)})
            return
        await asyncio.to_thread(session.intervene, found.interventions, found.second)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """Interventions that a run is to have, and the lab second that is to be seen then."""

    interventions: tuple[Intervention, ...]
    second: float


@dataclasses.dataclass(frozen=True)
class _Compared:
    """Without which intervention a second run is to be seen, if any, up to what lab second."""

    without: Intervention | None
    second: float


@dataclasses.dataclass(frozen=True)
class _AskedOfPacket:
    """What is to be done to one packet besides all else, and the lab second to be seen then."""

    kind: str
    packet: str
    at: float
    amount: float
    second: float

    def of(self, session: Session) -> _Asked:
        """What the run is to have then. Raises BadInput if that is not possible."""
        seen = session.run.seen()
        made = flights.deed(seen.flights, seen.looks, self.kind, self.packet, self.at, self.amount)
        return _Asked((*session.interventions, made), self.second)


class _Known:
    """What a page knows of a run."""

    def __init__(self) -> None:
        self._generation = 0
        self._flights: dict[str, flights.Flight] = {}
        self._calls: dict[str, ShownCall] = {}
        self._looks = 0

    def news(self, generation: int, seen: Seen) -> dict[str, Json]:
        """What it does not know yet; it knows that from now on."""
        new = generation != self._generation
        if new:
            self._generation, self._flights, self._looks = generation, {}, 0
            self._calls = {}
        fresh = [one for one in seen.flights if self._flights.get(one.key) is not one]
        self._flights.update({one.key: one for one in fresh})
        called = [one for one in seen.calls if self._calls.get(calls.key(one)) != one]
        self._calls.update({calls.key(one): one for one in called})
        looks = seen.looks[self._looks :]
        self._looks = len(seen.looks)
        message: dict[str, Json] = {
            "generation": generation,
            "horizon": seen.horizon,
            "certain": max(0.0, seen.certain),
            "flights": [plain(one) for one in fresh],
            "calls": [{"key": calls.key(one), "call": plain(one)} for one in called],
            "looks": [plain(one) for one in looks],
            "verdict": seen.record.verdict if seen.record else "",
            "error": seen.error,
        }
        if new:
            message["opening"] = plain(seen.opening)
        return message


class _Page:
    """A page that is open, and what it knows of the run and of the one beside it."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self.turn = asyncio.Lock()
        self.main = _Known()
        self.other = _Known()

    async def say(self, message: dict[str, Json]) -> None:
        """Send a message."""
        await self._websocket.send_text(json.dumps(message))
