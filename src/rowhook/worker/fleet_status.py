"""`/metrics`, `/livez` and `/readyz` of a process with a worker for each of several databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from rowhook.metric_families import merge_metrics
from rowhook.worker.status_app import Message, Reply, StatusApp, problem_reply, send_reply

_OK = 200
_STARTING = "The database is being opened."


class FleetStatus:
    """Answers for the workers of this process.

    It is alive unless one of its workers has a fault, and ready if one of them is: a database that
    is down must not take the others out of service.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._reasons = dict.fromkeys(names, _STARTING)
        self._apps: dict[str, StatusApp] = {}

    @contextmanager
    def attached(self, name: str, app: StatusApp) -> Iterator[None]:
        """Answer for a worker within the block."""
        self._apps[name] = app
        try:
            yield
        finally:
            del self._apps[name]
            self._reasons[name] = _STARTING

    def failed(self, name: str, reason: str) -> None:
        """Keep the reason why a database has no worker."""
        self._reasons[name] = reason

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request. There is nothing to do at start and end of the server."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await send_reply(scope, send, await self._reply(scope["method"], scope["path"]))

    async def _reply(self, method: str, path: str) -> Reply:
        # A copy, because a database may be opened or closed meanwhile.
        apps = dict(self._apps)
        replies = {name: await app.reply(method, path) for name, app in apps.items()}
        if method not in {"GET", "HEAD"}:
            return problem_reply(405, "Use GET.")
        if path == "/metrics":
            texts = {name: body for name, (_, _, body) in replies.items()}
            return _OK, CONTENT_TYPE_PLAIN_0_0_4, merge_metrics(texts)
        states = {name: _detail(replies.get(name), self._reasons[name]) for name in self._reasons}
        if path == "/livez":
            faults = {name: states[name] for name, reply in replies.items() if reply[0] != _OK}
            return _json("alive", states) if not faults else problem_reply(503, _lines(faults))
        if path == "/readyz":
            is_ready = any(reply[0] == _OK for reply in replies.values())
            return _json("ready", states) if is_ready else problem_reply(503, _lines(states))
        return problem_reply(404, "Unknown path. A worker has /metrics, /livez and /readyz.")


def _detail(reply: Reply | None, reason: str) -> str:
    if reply is None:
        return reason
    document = msgspec.json.decode(reply[2])
    return str(document["status"] if reply[0] == _OK else document["detail"])


def _lines(states: dict[str, str]) -> str:
    return " ".join(f"{name}: {state}" for name, state in states.items())


def _json(status: str, states: dict[str, str]) -> Reply:
    document = {"status": status, "databases": states}
    return _OK, "application/json", msgspec.json.encode(document)
