"""Sends one request and returns its Outcome. Does not retry or follow redirects.

A 2xx status line is a success even if the body fails: the body is read only for display, limited
in bytes and time. Tests may pass another httpx transport.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING

import httpx

from rowhook.egress.errors import Failure, no_response, response_invalid
from rowhook.egress.exchange import ExchangeTimer, Response
from rowhook.egress.transport import GuardedTransport
from rowhook.model import Outcome, Timings, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rowhook.egress.exchange import RawHeaders
    from rowhook.model import Claim, Headers, Request
    from rowhook.transports.registry import Resources

    Redact = Callable[[str], str]

STORED_BYTES = 4_096
STORED_HEADERS = 64
STORED_HEADER_CHARS = 1_024
MAX_RETRY_AFTER_S = 86_400.0

_NO_TIMINGS = Timings()
_DIGITS = re.compile(r"[0-9]+")


class HttpTransport:
    """Delivers to a URL."""

    def __init__(self, resources: Resources) -> None:
        self._http = resources.http

    async def deliver(self, claim: Claim, request: Request, redact: Redact) -> Outcome:
        """Sends the request once and returns its outcome."""
        return await send(self._http, request, redact=redact)

    def background_work(self) -> None:
        """Returns None: there is none."""


async def send(
    transport: httpx.AsyncBaseTransport, request: Request, *, redact: Redact, timed: bool = False
) -> Outcome:
    """Sends `request` once and returns the outcome, after at most `request.timeout_s` seconds.

    `redact` removes secrets from the stored parts of the response. `timed` fills
    `Outcome.timings` (milliseconds).
    """
    timer = ExchangeTimer() if timed else None
    started = monotonic()
    exchange = transport.exchange if isinstance(transport, GuardedTransport) else _adapt(transport)
    try:
        response = await exchange(
            request.method,
            request.url,
            request.headers,
            request.body,
            timeout_s=request.timeout_s,
            timer=timer,
        )
    except Failure as failure:
        return Outcome(
            verdict=failure.verdict,
            error=failure.text,
            duration_ms=(monotonic() - started) * 1000,
            timings=_timings(timer, request),
        )
    status = response.status
    verdict, error = _verdict_of_status(status)
    return Outcome(
        verdict=verdict,
        error=error,
        status_code=status,
        headers=_stored_headers(response.headers, redact),
        body=_stored_body(response.body, redact),
        retry_after_s=_retry_after(response.headers) if status in {429, 503} else None,
        duration_ms=(monotonic() - started) * 1000,
        timings=_timings(timer, request),
    )


def _timings(timer: ExchangeTimer | None, request: Request) -> Timings:
    if timer is None:
        return _NO_TIMINGS
    return timer.timings(secure=request.url[:6].lower() == "https:")


def retry_after_s(value: str, now: datetime) -> float | None:
    """Returns the seconds of a Retry-After header (RFC 9110 section 10.2.3), at most 24 h.

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


def _verdict_of_status(status: int) -> tuple[Verdict, str | None]:
    if 200 <= status <= 299:  # noqa: PLR2004 - RFC 9110 section 15.3
        return Verdict.DELIVERED, None
    if 300 <= status <= 399:  # noqa: PLR2004 - RFC 9110 section 15.4
        return (
            Verdict.HTTP_STATUS,
            f"The receiver responded with status {status}. Redirects are not followed.",
        )
    if 400 <= status <= 599:  # noqa: PLR2004 - RFC 9110 sections 15.5 and 15.6
        return Verdict.HTTP_STATUS, f"The receiver responded with status {status}."
    return Verdict.RESPONSE_INVALID, f"The receiver responded with the invalid status {status:03d}."


def _retry_after(headers: RawHeaders) -> float | None:
    for name, value in headers:
        if name.lower() == b"retry-after":
            return retry_after_s(value.decode("latin-1").strip(), datetime.now(UTC))
    return None


def _stored_headers(headers: RawHeaders, redact: Redact) -> Headers:
    texts = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers[:STORED_HEADERS]
    ]
    joined = "\n".join([text for header in texts for text in header])
    if redact(joined) != joined:
        texts = [(redact(name), redact(value)) for name, value in texts]
    if "\x00" in joined:
        texts = [(name, value.replace("\x00", "\ufffd")) for name, value in texts]
    # Truncated afterwards, because the redactor would miss half a secret.
    return tuple(
        [(name[:STORED_HEADER_CHARS], value[:STORED_HEADER_CHARS]) for name, value in texts]
    )


def _stored_body(body: bytes, redact: Redact) -> str:
    if not body:
        return ""
    # Decodes more than is stored, so that a secret at the cut is redacted as a whole.
    text = redact(body[: 4 * STORED_BYTES].decode("utf-8", "replace")).replace("\x00", "\ufffd")
    return text.encode()[:STORED_BYTES].decode("utf-8", "ignore")


def _adapt(transport: httpx.AsyncBaseTransport) -> Callable[..., Awaitable[Response]]:
    """Returns `GuardedTransport.exchange` for another transport of httpx."""

    async def exchange(  # the arguments of GuardedTransport.exchange
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None,
        *,
        timeout_s: float,
        timer: ExchangeTimer | None,
    ) -> Response:
        try:
            request = httpx.Request(method, url, headers=headers, content=body)
            async with asyncio.timeout(timeout_s):
                response = await transport.handle_async_request(request)
                if timer is not None:
                    timer.responded = monotonic()
                return Response(response.status_code, response.headers.raw, await response.aread())
        except (TimeoutError, httpx.TimeoutException) as error:
            raise no_response(timeout_s) from error
        except httpx.ConnectError as error:
            # The texts of other transports may contain the URL.
            raise Failure(Verdict.CONNECT_FAILED, "The connection failed.") from error
        except httpx.TransportError as error:
            raise response_invalid() from error

    return exchange
