"""Metrics, liveness and readiness of a worker, or of a process with several, over ASGI."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from http import HTTPStatus
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from rowhook.metric_families import counter, counters_by, gauge, merge_metrics, process_families
from rowhook.model import Verdict
from rowhook.worker.tally import BOUNDS_S, Durations, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowhook.migrate.runner import Readiness
    from rowhook.worker.pipeline import Worker

Message = MutableMapping[str, Any]
Reply = tuple[int, str, bytes]
_OK = 200
_PROBLEM = "application/problem+json"
_STARTING = "The database is being opened."
# Statuses that a result can give its delivery.
_STATUSES = ("delivered", "pending", "held", "dead", "skipped", "cancelled")
# Outcomes with a status code; the others have the class `none`.
_STATUS_CLASSES = {
    Verdict.DELIVERED: ("2xx",),
    Verdict.HTTP_STATUS: ("3xx", "4xx", "5xx"),
}
_LAST_CLASS = 5
_COUNTERS = {
    "claims": "Statements that claimed, also those that found nothing.",
    "failed_claims": "Statements that failed to claim.",
    "claimed": "Deliveries claimed.",
    "released": "Claimed deliveries that were given back without an attempt.",
    "staged": "Outputs stored for the page of a session.",
    "late_results": "Results that did not count, because the delivery had been taken away.",
    "lost_leases": "Claims that another worker took over before they had a result.",
    "reclaimed": "Expired claims given back whose answer never arrived.",
    "unrecordable": "Results that could not be stored in any form.",
    "missed_heartbeats": "Heartbeats that failed.",
    "healed": "Completions that a capture had missed and healing made up for.",
}


class WorkerCollector(Collector):
    """Collects the metrics of a worker at each scrape."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics of the worker and its process."""
        worker = self._worker
        yield from worker_families(
            worker.tally,
            listens=worker.driver.listening,
            claims=len(worker.in_flight.claims),
            sending=worker.in_flight.sending,
            results_waiting=worker.recorder.waiting,
            retention_failures=worker.retention_failures,
        )
        yield from process_families("worker", worker.driver.pool.get_stats())


class StatusServer(ABC):
    """An ASGI application whose replies depend only on method and path."""

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answers one request. There is nothing to do at start and end of the server."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await _send_reply(scope, send, await self.reply(scope["method"], scope["path"]))

    @abstractmethod
    async def reply(self, method: str, path: str) -> Reply:
        """Returns status, media type and body."""


class StatusApp(StatusServer):
    """Answers for a worker that runs in the same event loop.

    Liveness: the event loop turns, which the answer itself shows, and so do queue and heartbeat. A
    task that ended stops the process. Readiness: the database is reachable and migrated, the LISTEN
    connection is up, and the worker is not stopping.
    """

    def __init__(self, worker: Worker, readiness: Readiness) -> None:
        self._worker = worker
        self._readiness = readiness
        self._registry = CollectorRegistry()
        self._registry.register(WorkerCollector(worker))

    async def reply(self, method: str, path: str) -> Reply:
        """Returns status, media type and body."""
        if path not in {"/metrics", "/livez", "/readyz"}:
            return problem_reply(404, "Unknown path. A worker has /metrics, /livez and /readyz.")
        if method not in {"GET", "HEAD"}:
            return problem_reply(405, "Use GET.")
        if path == "/metrics":
            return _OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)
        if path == "/livez":
            return _state("alive", self._worker.fault())
        return _state("ready", await self._unready())

    async def _unready(self) -> str | None:
        if self._worker.is_stopping:
            return "The worker is stopping."
        if (reason := await self._readiness.reason()) is not None:
            return reason
        if self._worker.driver.listener is not None and not self._worker.driver.listening:
            return "The LISTEN connection is not up. Deliveries are found by polling until it is."
        return None


async def _send_reply(
    scope: Message, send: Callable[[Message], Awaitable[None]], reply: Reply
) -> None:
    """Sends a reply; for HEAD without its body."""
    status, content_type, body = reply
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    content = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": content})


def _state(name: str, fault: str | None) -> Reply:
    if fault is not None:
        return problem_reply(503, fault)
    return _OK, "application/json", msgspec.json.encode({"status": name})


def problem_reply(status: int, detail: str) -> Reply:
    """Builds an error reply (RFC 9457)."""
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return status, _PROBLEM, msgspec.json.encode(document)


class FleetStatus(StatusServer):
    """Answers for the workers of this process.

    It is alive unless one of its workers has a fault, and ready if one of them is: a database that
    is down must not take the others out of service.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._reasons = dict.fromkeys(names, _STARTING)
        self._apps: dict[str, StatusApp] = {}

    @contextmanager
    def attached(self, name: str, app: StatusApp) -> Iterator[None]:
        """Answers for a worker within the block."""
        self._apps[name] = app
        try:
            yield
        finally:
            del self._apps[name]
            self._reasons[name] = _STARTING

    def failed(self, name: str, reason: str) -> None:
        """Keeps the reason why a database has no worker."""
        self._reasons[name] = reason

    async def reply(self, method: str, path: str) -> Reply:
        """Returns status, media type and body, with the replies of the workers merged."""
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


def worker_families(
    tally: Tally,
    *,
    listens: bool,
    claims: int,
    sending: int,
    results_waiting: int,
    retention_failures: int,
) -> Iterator[Metric]:
    """Yields every metric of a worker. All series exist before the first event."""
    yield _attempts(tally)
    yield counters_by(
        "rowhook_worker_deliveries",
        "Recorded results by the status that they gave the delivery; pending: a retry.",
        ("status",),
        (((status,), count) for status, count in _with_zeros(_STATUSES, tally.deliveries).items()),
    )
    yield _stages(tally)
    for name, description in _COUNTERS.items():
        yield counter(f"rowhook_worker_{name}", description, getattr(tally, name))
    yield counter(
        "rowhook_worker_retention_failures",
        "Runs of the retention that failed.",
        retention_failures,
    )
    yield gauge(
        "rowhook_worker_listening",
        "1 if the LISTEN connection is up; without it, deliveries are found by polling.",
        listens,
    )
    yield gauge("rowhook_worker_in_flight", "Claimed deliveries that are not recorded yet.", claims)
    yield gauge("rowhook_worker_sending", "Deliveries that are rendered or sent.", sending)
    yield gauge(
        "rowhook_worker_results_waiting", "Results that are not recorded yet.", results_waiting
    )


def _with_zeros(names: tuple[str, ...], counts: Mapping[str, int]) -> dict[str, int]:
    return dict.fromkeys(names, 0) | dict(counts)


def _attempts(tally: Tally) -> Metric:
    counts = {
        (verdict.value, status_class): 0
        for verdict in Verdict
        for status_class in _STATUS_CLASSES.get(verdict, ("none",))
    }
    for (outcome, status_code), count in tally.attempts.items():
        key = str(outcome), _status_class(status_code)
        counts[key] = counts.get(key, 0) + count
    return counters_by(
        "rowhook_worker_attempts",
        "Recorded attempts by outcome and class of the status code.",
        ("outcome", "status_class"),
        counts.items(),
    )


def _status_class(status_code: int | None) -> str:
    if status_code is None:
        return "none"
    hundreds = status_code // 100
    return f"{hundreds}xx" if 1 <= hundreds <= _LAST_CLASS else "other"


def _stages(tally: Tally) -> Metric:
    tally.sort()
    family = HistogramMetricFamily(
        "rowhook_worker_stage_seconds",
        "Time of a delivery in each stage: capture, queue, render, network, record.",
        labels=("stage",),
    )
    for stage, durations in tally.stages.items():
        family.add_metric((stage,), _buckets(durations), durations.total_s)
    return family


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    bounds = (*map(str, BOUNDS_S), "+Inf")
    return list(zip(bounds, accumulate(durations.counts), strict=True))
