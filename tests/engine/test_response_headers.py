"""Response headers are stored as a frame and values, and displayed as they were received."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowhook.db.connection_pool import Pool
from rowhook.model import Outcome, Request, Verdict
from rowhook.worker.recorder import Result
from tests.engine.test_exchange import render_claim
from tests.engine.test_outbox import recording
from tests.support.receiver import answer
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
HEADER_VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\x00"), max_size=20)
RESPONSES = st.lists(
    st.fixed_dictionaries(
        {"Server": st.sampled_from(["nginx", 'a "b" \\']), "Date": HEADER_VALUES},
        optional={"X-Cache": st.sampled_from(["HIT", "MISS"]), "X-Ü": HEADER_VALUES},
    ),
    min_size=2,
    max_size=12,
)


@every_server
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(responses=RESPONSES, verdict=st.sampled_from([Verdict.DELIVERED, Verdict.HTTP_STATUS]))
async def test_recorded_response_headers_are_displayed_as_received(
    platform: Platform, pool: Pool, responses: list[dict[str, str]], verdict: Verdict
) -> None:
    for table in (
        "attempt_row",
        "exchange",
        "failed_exchange",
        "outbox",
        "event",
        "link",
        "webhook",
    ):
        await platform.run(f"delete from rowhook.{table}".encode())  # type: ignore[arg-type]
    # The whole view: its estimated cost crosses the threshold of JIT.
    await platform.run("set jit = off")
    await platform.webhook_of_goal(max_in_flight=100)
    for _ in responses:
        await platform.commit()
    claims = sorted(await platform.claim(pool), key=lambda claim: int(claim.outbox_id))
    received = []
    async with recording(pool, lambda _result, _is_current: None) as recorder:
        for claim, headers in zip(claims, responses, strict=True):
            rendered = render_claim(claim, {})
            assert isinstance(rendered, Request)
            outcome = Outcome(verdict=verdict, headers=tuple(headers.items()))
            result = Result.of(claim, outcome, datetime.now(UTC), rendered)
            recorder.add(result, rendered.framed_request)
            received.append((claim.outbox_id, [list(header) for header in headers.items()]))
    displayed = await platform.rows(
        "select outbox_id, response_headers from rowhook.attempt order by outbox_id"
    )
    assert [tuple(row.values()) for row in displayed] == received


async def test_the_common_part_of_response_headers_is_stored_once(rig: Rig) -> None:
    rig.receiver.script("/hook", answer(headers=(("X-Always", "the same"), ("X-N", "1"))))
    webhook = await rig.webhook()
    async with rig.worker():
        for count in range(1, 5):
            await rig.platform.commit()
            await rig.reaches("delivered", count=count)
    stored = await rig.platform.rows(
        "select response_frame_id, response_headers::text from rowhook.exchange order by outbox_id"
    )
    assert stored[0]["response_frame_id"] is None
    assert "the same" in stored[0]["response_headers"]
    assert len({row["response_frame_id"] for row in stored[1:]}) == 1
    assert not any("the same" in row["response_headers"] for row in stored[1:])
    frames = await rig.platform.rows(
        "select webhook_id, organization_id from rowhook.request_frame where pieces::text like %s",
        "%Always%",
    )
    assert frames == [{"webhook_id": webhook.id, "organization_id": rig.platform.organization}]
    displayed = await rig.platform.rows("select response_headers from rowhook.attempt")
    assert all(["X-Always", "the same"] in row["response_headers"] for row in displayed)
