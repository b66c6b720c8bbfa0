"""One ASGI application for several databases, each with its own application.

`/db/<name>/…` is the application of a database. `/v1` and `/mcp` without it are answered by the
database that has the key.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog
from litestar.types import Message, Receive, Send
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from rowhook.api.application import Served
from rowhook.api.problems import MEDIA_TYPE
from rowhook.db import access_queries
from rowhook.db.statements import PostgresError
from rowhook.metric_families import merge_metrics
from rowhook.services.context import ServerContext
from rowhook.services.sessions import PREFIX as SESSION_PREFIX

_PATH = re.compile(r"/db/([^/]+)(/.*)?", re.DOTALL)
_BY_KEY = re.compile(r"/(v1|mcp)(/|$)")
# Paths with equal content in every database.
_SHARED = re.compile(r"/(static|schema)(/|$)|/callbacks\.js$")
_JSON = "application/json"
_STARTING = "The database is being opened."
_LOOKUP_S = 3.0
_MAX_KEYS = 10_000
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_HOW = "Write /db/<name> before the path."


class Unselected(LookupError):
    """The key does not select a database; the message explains why, `status` is the response's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Dispatcher:
    """Routes requests to the applications of the databases that are open."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._served: dict[str, Served] = {}
        self._reasons = dict.fromkeys(names, _STARTING)
        # Digests of keys, whose database answers 401 itself once a key is deleted.
        self._name_by_key: dict[bytes, str] = {}

    @contextmanager
    def attached(self, name: str, served: Served) -> Iterator[None]:
        """Serves a database within the block."""
        self._served[name] = served
        try:
            yield
        finally:
            del self._served[name]
            self._reasons[name] = _STARTING

    def failed(self, name: str, reason: str) -> None:
        """Keeps the reason why a database is not open."""
        self._reasons[name] = reason

    def end_streams(self) -> None:
        """Ends the streams of all databases, which the server would wait for."""
        for served in self._served.values():
            served.end_streams()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answers a request, or the start and the end of the server."""
        if scope["type"] == "lifespan":
            await _answer_lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path = scope["path"]
        if (match := _PATH.fullmatch(path)) is not None:
            await self._enter(match[1], match[2], scope, receive, send)
        elif _BY_KEY.match(path):
            await self._enter_by_key(scope, receive, send)
        elif _SHARED.match(path) and self._served:
            await self._first().app(scope, receive, send)
        else:
            await _send(scope, send, *await self._own_answer(path))

    async def _own_answer(self, path: str) -> tuple[int, Any, str, dict[str, str]]:
        if path == "/livez":
            return 200, {"status": "alive"}, _JSON, {}
        if path == "/readyz":
            return await self._readiness()
        if path == "/metrics":
            # A copy, because a database may be opened or closed meanwhile.
            opened = dict(self._served)
            texts = {name: await served.app.state.metrics.text() for name, served in opened.items()}
            text = merge_metrics(texts, down=[name for name in self._names if name not in texts])
            return 200, text, CONTENT_TYPE_PLAIN_0_0_4, {}
        if path == "/":
            return 307, b"", "text/plain", {"Location": f"/db/{self._names[0]}/"}
        places = ", ".join(f"/db/{name}/" for name in self._names)
        return _problem(404, f"There are several databases. Use one of: {places}.")

    async def _readiness(self) -> tuple[int, Any, str, dict[str, str]]:
        """Whether at least one database is ready: one that is down must not stop the others."""
        reasons = await asyncio.gather(*map(self._reason, self._names))
        states = {
            name: reason or "ready" for name, reason in zip(self._names, reasons, strict=True)
        }
        if None in reasons:
            return 200, {"status": "ready", "databases": states}, _JSON, {}
        detail = " ".join(f"{name}: {reason}" for name, reason in states.items())
        return _problem(503, detail)

    async def _reason(self, name: str) -> str | None:
        served = self._served.get(name)
        if served is None:
            return self._reasons[name]
        reason: str | None = await served.app.state.readiness.reason()
        return reason

    def _first(self) -> Served:
        return next(self._served[name] for name in self._names if name in self._served)

    async def _enter(
        self, name: str, rest: str | None, scope: Any, receive: Receive, send: Send
    ) -> None:
        raw_path = scope.get("raw_path") or _prefix(name)
        if name not in self._reasons or not raw_path.startswith(_prefix(name)):
            names = ", ".join(self._names)
            answer = _problem(404, f"Unknown database. Use one of: {names}.")
            await _send(scope, send, *answer)
        elif rest is None:
            await _send(scope, send, 308, b"", "text/plain", {"Location": f"/db/{name}/"})
        elif name not in self._served:
            await _send(scope, send, *_problem(503, f"{name}: {self._reasons[name]}"))
        else:
            await self._forward(name, rest, scope, receive, send)

    async def _forward(
        self, name: str, rest: str, scope: Any, receive: Receive, send: Send
    ) -> None:
        prefix = _prefix(name)
        raw_path = scope.get("raw_path")
        inner = scope | {
            "path": rest,
            # Names need no escapes, so the prefix is written in one way.
            "raw_path": None if raw_path is None else raw_path[len(prefix) :],
            "rowhook_prefix": prefix.decode(),
            "rowhook_databases": {database: database in self._served for database in self._names},
        }
        structlog.contextvars.bind_contextvars(database=name)
        await self._served[name].app(inner, receive, _prefixing(send, prefix))

    async def _enter_by_key(self, scope: Any, receive: Receive, send: Send) -> None:
        try:
            name = await self._database_of(_token(scope))
        except Unselected as error:
            await _send(scope, send, *_problem(error.status, str(error)))
            return
        served = self._served.get(name)
        if served is None:
            await _send(scope, send, *_problem(503, f"{name}: {self._reasons[name]}"))
        else:
            structlog.contextvars.bind_contextvars(database=name)
            # For links to the pages of this database.
            await served.app(scope | {"rowhook_prefix": f"/db/{name}"}, receive, send)

    async def _database_of(self, token: str) -> str:
        """The database that has the key. Raises Unselected."""
        digest = hashlib.sha256(token.encode()).digest()
        if (name := self._name_by_key.get(digest)) is not None:
            return name
        if token.startswith(SESSION_PREFIX):
            raise Unselected(400, f"A session token needs the database in the path. {_HOW}")
        if not token:
            # The first one answers 401, or the preflight of a browser.
            return next((name for name in self._names if name in self._served), self._names[0])
        matches, unknown = await self._look_up(token, digest)
        if len(matches) > 1:
            raise Unselected(400, f"This key is valid in {' and '.join(matches)}. {_HOW}")
        if not matches and unknown:
            names = ", ".join(unknown)
            raise Unselected(503, f"Unknown API key, and these databases do not answer: {names}.")
        if not matches:
            return self._names[0]
        if len(self._name_by_key) >= _MAX_KEYS:
            self._name_by_key.clear()
        self._name_by_key[digest] = matches[0]
        return matches[0]

    async def _look_up(self, token: str, digest: bytes) -> tuple[list[str], list[str]]:
        """The databases that have a key, and those that do not answer."""
        names = list(self._served)
        results = await asyncio.gather(
            *(_has_key(self._served[name].server_ctx, token, digest) for name in names)
        )
        answers = dict(zip(names, results, strict=True))
        matches = [name for name in self._names if answers.get(name)]
        return matches, [name for name in self._names if answers.get(name) is None]


def _prefix(name: str) -> bytes:
    return f"/db/{name}".encode()


async def _has_key(server_ctx: ServerContext, token: str, digest: bytes) -> bool | None:
    """Whether a database has a key; None if it does not answer."""
    if server_ctx.admin_key and hmac.compare_digest(server_ctx.admin_key.encode(), token.encode()):
        return True
    try:
        async with asyncio.timeout(_LOOKUP_S):
            return await access_queries.authenticate(server_ctx.pool, digest) is not None
    except (PostgresError, TimeoutError):
        return None


def _token(scope: Any) -> str:
    """The bearer token, or the one of a stream in the query; empty without one."""
    header: str = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, key = header.partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    match = re.search(rb"(?:^|&)token=([\w.-]+)", scope.get("query_string", b""))
    return match[1].decode() if match else ""


def _prefixing(send: Send, prefix: bytes) -> Send:
    """Puts the prefix into redirects and into the paths of cookies."""

    def corrected(name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
            return name, prefix + value
        if name == b"set-cookie":
            return name, re.sub(rb"(?i)(; ?path=)/(?=;|$)", rb"\1" + prefix, value)
        return name, value

    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [corrected(name, value) for name, value in message["headers"]]
        await send(message)

    return sender


def _problem(status: int, detail: str) -> tuple[int, Any, str, dict[str, str]]:
    title = {400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}[status]
    content = {"title": title, "status": status, "type": "about:blank", "detail": detail}
    return status, content, MEDIA_TYPE, {"Retry-After": "1"} if status == 503 else {}  # noqa: PLR2004


async def _send(
    scope: Any, send: Send, status: int, content: Any, media_type: str, headers: Mapping[str, str]
) -> None:
    is_safe = scope["method"] in _SAFE_METHODS
    if not is_safe and status == 200:  # noqa: PLR2004  # probes and metrics are only read
        status, content, media_type, headers = _problem(404, "Only GET is allowed here.")
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    all_headers = {"Content-Type": media_type, "Content-Length": str(len(body)), **headers}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (name.lower().encode(), text.encode()) for name, text in all_headers.items()
            ],
        }
    )
    body = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _answer_lifespan(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    if message["type"] == "lifespan.shutdown":
        await send({"type": "lifespan.shutdown.complete"})
