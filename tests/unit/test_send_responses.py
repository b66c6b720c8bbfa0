from __future__ import annotations

import httpx
import pytest

from rowhook.model import Verdict
from rowhook.transports.http import send
from tests.support.local_transport import exchange, leave_unredacted, request
from tests.support.receiver import answer


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (httpx.ConnectTimeout("secret"), Verdict.TIMEOUT),
        (httpx.ConnectError("secret"), Verdict.CONNECT_FAILED),
        (httpx.RemoteProtocolError("secret"), Verdict.RESPONSE_INVALID),
    ],
)
async def test_errors_of_other_transports_have_a_verdict_without_their_text(
    error: Exception, verdict: Verdict
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    outcome = await send(
        httpx.MockTransport(fail), request("https://a.example/"), redact=leave_unredacted
    )
    assert outcome.verdict is verdict
    assert "secret" not in (outcome.error or "")


@pytest.mark.anyio
async def test_another_transport_receives_an_ordinary_httpx_request() -> None:
    observed: list[httpx.Request] = []

    def reply(arrived: httpx.Request) -> httpx.Response:
        observed.append(arrived)
        return httpx.Response(503, headers={"Retry-After": "7"}, content=b"later")

    outcome = await send(
        httpx.MockTransport(reply), request("https://a.example/x"), redact=leave_unredacted
    )
    assert (outcome.status_code, outcome.retry_after_s, outcome.body) == (503, 7.0, "later")
    assert (observed[0].method, str(observed[0].url), observed[0].content) == (
        "POST",
        "https://a.example/x",
        b'{"a":1}',
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [(429, "30", 30.0), (503, "30", 30.0), (500, "30", None), (200, "30", None), (503, "x", None)],
)
async def test_retry_after_counts_only_on_429_and_503(
    status: int, value: str, expected: float | None
) -> None:
    outcome = await exchange(answer(status, headers=(("Retry-After", value),)))
    assert outcome.retry_after_s == expected
