"""One request, one Outcome. Never raises for the network, never retries, never follows a redirect.

A 2xx status line is a delivery whatever its body does: the body is read for show alone, bounded in
bytes and time. The seam is httpx's transport, so tests and previews may pass another.
"""

from __future__ import annotations

import asyncio
import functools
import re
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import httpx
from msgspec.structs import replace

from rowhook.delivery import Outcome, Timings, Verdict
from rowhook.egress import FORBIDDEN, Failure, Marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.delivery import Headers, Request

    Redact = Callable[[str], str]

READ_BYTES = 65_536
SHOWN_BYTES = 4_096
SHOWN_HEADERS = 64
SHOWN_HEADER_CHARS = 1_024
# How long an answer that is already decided may keep its connection to finish its body. Seconds.
BODY_GRACE_S = 2.0
RETRY_AFTER_CAP_S = 86_400.0
URLS_KEPT = 2_048

# RFC 9110 section 5.6.7: the preferred form and the two that are obsolete.
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_DIGITS = re.compile(r"[0-9]+")


async def send(
    transport: httpx.AsyncBaseTransport,
    request: Request,
    *,
    redact: Redact,
    timed: bool = False,
) -> Outcome:
    """Send `request` once and return how it ended, at most `request.timeout_s` seconds later.

    `redact` takes secrets out of any text of the receiver's that is kept. `timed` fills
    `Outcome.timings` (milliseconds).
    """
    marks = Marks()
    exchange = _Exchange()
    failure: Failure | None = None
    try:
        async with asyncio.timeout(request.timeout_s) as limit:
            await exchange.run(transport, _build(request, marks), limit)
    except TimeoutError:
        failure = Failure(Verdict.TIMEOUT, f"No response within {request.timeout_s:g} s.")
    except httpx.TransportError as error:
        failure = error if isinstance(error, Failure) else _foreign(error)
    except httpx.InvalidURL:
        failure = Failure(Verdict.TARGET_FORBIDDEN, FORBIDDEN)
    secure = request.url[:6].lower() == "https:"
    return replace(
        exchange.outcome(failure, redact),
        duration_ms=(monotonic() - marks.started) * 1000,
        timings=marks.timings(secure=secure) if timed else Timings(),
        stages=request.stages,
        shown=request.shown,
        framed=request.framed,
    )


def retry_after_s(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After `value` asks for (RFC 9110 section 10.2.3).

    Capped at 24 h; a date that has passed is 0; None for what is neither seconds nor a date.
    """
    if _DIGITS.fullmatch(value):
        return min(float(value), RETRY_AFTER_CAP_S)
    for form in _DATES:
        with suppress(ValueError):
            wait = datetime.strptime(value, form).replace(tzinfo=UTC) - now
            return min(max(wait.total_seconds(), 0.0), RETRY_AFTER_CAP_S)
    return None


class _Exchange:
    """What has been received so far: a deadline may pass between the status and the body's end."""

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
        soon = asyncio.get_running_loop().time() + BODY_GRACE_S
        limit.reschedule(min(soon, limit.when() or soon))
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
            known = failure or Failure(Verdict.RESPONSE_INVALID, "No response.")
            return Outcome(verdict=known.verdict, error=known.text)
        status = self.response.status_code
        verdict, error = _judge(status)
        return Outcome(
            verdict=verdict,
            error=error,
            status_code=status,
            headers=_show_headers(self.response, redact),
            body=_show_body(self.body, redact),
            retry_after_s=_retry_after(self.response) if status in {429, 503} else None,
        )


def _build(request: Request, marks: Marks) -> httpx.Request:
    # `stream=` instead of `content=`: httpx adds no header and reads nothing ahead.
    return httpx.Request(
        request.method,
        _url(request.url),
        headers=[(name.encode(), value.encode()) for name, value in request.headers],
        stream=httpx.ByteStream(request.body or b""),
        extensions={"url": request.url, "marks": marks},
    )


@functools.lru_cache(URLS_KEPT)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _judge(status: int) -> tuple[Verdict, str | None]:
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


def _foreign(error: httpx.TransportError) -> Failure:
    # Another transport's errors (a test's, a preview's): their texts may hold the URL.
    if isinstance(error, httpx.TimeoutException):
        return Failure(Verdict.TIMEOUT, "No response in time.")
    if isinstance(error, httpx.ConnectError):
        return Failure(Verdict.CONNECT_FAILED, "The connection failed.")
    return Failure(Verdict.RESPONSE_INVALID, "The response is not valid.")


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    return None if value is None else retry_after_s(value.strip(), datetime.now(UTC))


def _show_headers(response: httpx.Response, redact: Redact) -> Headers:
    return tuple(
        (_show(name, redact), _show(value, redact))
        for name, value in response.headers.raw[:SHOWN_HEADERS]
    )


def _show(raw: bytes, redact: Redact) -> str:
    # Redacted before it is cut: half a secret would pass the redactor.
    return redact(raw.decode("latin-1"))[:SHOWN_HEADER_CHARS]


def _show_body(body: bytes, redact: Redact) -> str:
    # More than is shown: a secret that the cut goes through must be seen whole to be redacted.
    text = redact(body[: 4 * SHOWN_BYTES].decode("utf-8", "replace")).replace("\x00", "\ufffd")
    return text.encode()[:SHOWN_BYTES].decode("utf-8", "ignore")
