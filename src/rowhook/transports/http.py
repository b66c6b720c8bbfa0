"""Sends one request and returns its Outcome. Does not retry or follow redirects.

A 2xx status line is a success even if the body fails: the body is read only for display, limited
in bytes and time. Tests may pass another httpx transport.
"""

from __future__ import annotations

import asyncio
import functools
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING

import httpx
from msgspec.structs import replace

from rowhook.egress.errors import FORBIDDEN, Failure
from rowhook.egress.timings import ExchangeTimer
from rowhook.model import Outcome, Timings, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.model import Claim, Headers, Request
    from rowhook.transports.registry import Resources

    Redact = Callable[[str], str]

READ_BYTES = 65_536
STORED_BYTES = 4_096
STORED_HEADERS = 64
STORED_HEADER_CHARS = 1_024
# Time for the body after the status has arrived, so that the connection can be reused. Seconds.
BODY_GRACE_S = 2.0
MAX_RETRY_AFTER_S = 86_400.0
URL_CACHE_SIZE = 2_048

_DIGITS = re.compile(r"[0-9]+")


class HttpTransport:
    """Delivers to a URL."""

    def __init__(self, resources: Resources) -> None:
        self._http = resources.http

    async def deliver(self, claim: Claim, request: Request, redact: Redact) -> Outcome:
        """Send the request once and return its outcome."""
        return await send(self._http, request, redact=redact)

    def background_work(self) -> None:
        """Return None: there is none."""


async def send(
    transport: httpx.AsyncBaseTransport,
    request: Request,
    *,
    redact: Redact,
    timed: bool = False,
) -> Outcome:
    """Send `request` once and return the outcome, after at most `request.timeout_s` seconds.

    `redact` removes secrets from the stored parts of the response. `timed` fills
    `Outcome.timings` (milliseconds).
    """
    timer = ExchangeTimer()
    exchange = _Exchange()
    failure: Failure | None = None
    try:
        async with asyncio.timeout(request.timeout_s) as limit:
            await exchange.run(transport, _build(request, timer), limit)
    except TimeoutError:
        failure = Failure(Verdict.TIMEOUT, f"No response within {request.timeout_s:g} s.")
    except httpx.TransportError as error:
        failure = error if isinstance(error, Failure) else _failure_of_transport(error)
    except httpx.InvalidURL:
        failure = Failure(Verdict.TARGET_FORBIDDEN, FORBIDDEN)
    secure = request.url[:6].lower() == "https:"
    return replace(
        exchange.outcome(failure, redact),
        duration_ms=(monotonic() - timer.started) * 1000,
        timings=timer.timings(secure=secure) if timed else Timings(),
        stages=request.stages,
        redacted=request.redacted,
        framed_request=request.framed_request,
    )


def retry_after_s(value: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3), at most 24 h.

    A past date is 0; the result is None for a value that is neither seconds nor a date.
    """
    if _DIGITS.fullmatch(value):
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if date.utcoffset():
        return None  # RFC 9110 section 5.6.7: dates are in GMT, and the asctime format has no zone
    wait = date.replace(tzinfo=UTC) - now
    return min(max(wait.total_seconds(), 0.0), MAX_RETRY_AFTER_S)


class _Exchange:
    """The response received so far, because the deadline may pass before the body ends."""

    __slots__ = ("body", "response")

    def __init__(self) -> None:
        self.response: httpx.Response | None = None
        self.body = b""

    async def run(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: asyncio.Timeout
    ) -> None:
        response = self.response = await transport.handle_async_request(request)
        if isinstance(response.stream, httpx.ByteStream):
            self.body = b"".join(response.stream)
            return
        body_deadline = asyncio.get_running_loop().time() + BODY_GRACE_S
        limit.reschedule(min(body_deadline, limit.when() or body_deadline))
        try:
            await self._read(response)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> None:
        if not isinstance(response.stream, httpx.AsyncByteStream):
            return
        async for chunk in response.stream:
            self.body += chunk
            if len(self.body) >= READ_BYTES:
                return

    def outcome(self, failure: Failure | None, redact: Redact) -> Outcome:
        if self.response is None:
            reported = failure or Failure(Verdict.RESPONSE_INVALID, "No response.")
            return Outcome(verdict=reported.verdict, error=reported.text)
        status = self.response.status_code
        verdict, error = _verdict_of_status(status)
        return Outcome(
            verdict=verdict,
            error=error,
            status_code=status,
            headers=_stored_headers(self.response, redact),
            body=_stored_body(self.body, redact),
            retry_after_s=_retry_after(self.response) if status in {429, 503} else None,
        )


def _build(request: Request, timer: ExchangeTimer) -> httpx.Request:
    # With `stream` instead of `content`, httpx adds no headers.
    return httpx.Request(
        request.method,
        _url(request.url),
        headers=[(name.encode(), value.encode()) for name, value in request.headers],
        stream=httpx.ByteStream(request.body or b""),
        extensions={"url": request.url, "timer": timer},
    )


@functools.lru_cache(URL_CACHE_SIZE)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _verdict_of_status(status: int) -> tuple[Verdict, str | None]:
    if 200 <= status <= 299:  # noqa: PLR2004 - the contract's success
        return Verdict.DELIVERED, None
    if 300 <= status <= 399:  # noqa: PLR2004 - RFC 9110 section 15.4
        return (
            Verdict.HTTP_STATUS,
            f"The receiver responded with status {status}. Redirects are not followed.",
        )
    if 400 <= status <= 599:  # noqa: PLR2004 - RFC 9110 sections 15.5 and 15.6
        return Verdict.HTTP_STATUS, f"The receiver responded with status {status}."
    return Verdict.RESPONSE_INVALID, f"The receiver responded with the invalid status {status:03d}."


def _failure_of_transport(error: httpx.TransportError) -> Failure:
    # Errors of other transports, whose texts may contain the URL.
    if isinstance(error, httpx.TimeoutException):
        return Failure(Verdict.TIMEOUT, "No response in time.")
    if isinstance(error, httpx.ConnectError):
        return Failure(Verdict.CONNECT_FAILED, "The connection failed.")
    return Failure(Verdict.RESPONSE_INVALID, "The response is not valid.")


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    return None if value is None else retry_after_s(value.strip(), datetime.now(UTC))


def _stored_headers(response: httpx.Response, redact: Redact) -> Headers:
    return tuple(
        (_stored_text(name, redact), _stored_text(value, redact))
        for name, value in response.headers.raw[:STORED_HEADERS]
    )


def _stored_text(raw: bytes, redact: Redact) -> str:
    # Redacted before truncation, because the redactor would miss half a secret.
    return redact(raw.decode("latin-1"))[:STORED_HEADER_CHARS]


def _stored_body(body: bytes, redact: Redact) -> str:
    # Decodes more than is stored, so that a secret at the cut is redacted as a whole.
    text = redact(body[: 4 * STORED_BYTES].decode("utf-8", "replace")).replace("\x00", "\ufffd")
    return text.encode()[:STORED_BYTES].decode("utf-8", "ignore")
