"""Traces: from the platform's row through the spans of a worker to the receiver's header."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from structlog.testing import capture_logs

from rowhook.worker.pipeline import Worker
from rowhook.worker.trace_export import open_traces
from rowhook.worker.traces import Traces
from tests.engine.test_sources import watch
from tests.support.receiver import answer
from tests.support.servers import every_server
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PLATFORM = f"00-{TRACE}-{PARENT}-01"
STAGES = ["rowhook.claim", "rowhook.render", "rowhook.send", "rowhook.record"]


@asynccontextmanager
async def tracing(rig: Rig, **provider: Any) -> AsyncIterator[tuple[Worker, InMemorySpanExporter]]:
    """A running worker whose spans are kept in memory; stopped at the exit."""
    exporter = InMemorySpanExporter()
    tracer_provider = TracerProvider(shutdown_on_exit=False, **provider)
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with rig.worker() as worker:
        worker._traces = Traces(tracer_provider.get_tracer("test"))
        yield worker, exporter


async def commit_with(rig: Rig, context: dict[str, Any]) -> None:
    session = await rig.platform.value(
        "insert into rowhook.session (id, organization_id, context)"
        " values ('traced', %s, %s) returning id",
        rig.platform.organization,
        json.dumps(context),
    )
    await rig.platform.commit(session=session)


async def spans_of(exporter: InMemorySpanExporter, count: int) -> dict[str, ReadableSpan]:
    async def are_ended() -> bool:
        return len(exporter.get_finished_spans()) >= count

    await until(are_ended, description=f"{count} spans")
    return {span.name: span for span in exporter.get_finished_spans()}


def span_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


async def test_a_trace_goes_from_the_session_through_the_worker_to_the_receiver(rig: Rig) -> None:
    await rig.webhook()
    async with tracing(rig) as (_, exporter):
        await commit_with(rig, {"traceparent": PLATFORM})
        (request,) = await rig.receiver.wait_for(1)
        spans = await spans_of(exporter, 5)
    deliver = spans["rowhook.deliver"]
    assert request.header("traceparent") == f"00-{TRACE}-{span_id(deliver)}-01"
    assert deliver.parent is not None
    assert f"{deliver.parent.span_id:016x}" == PARENT
    attributes = dict(deliver.attributes or {})
    (row,) = await rig.platform.deliveries()
    assert attributes["rowhook.delivery"] == row["id"]
    assert attributes["rowhook.outcome"] == attributes["rowhook.status"] == "delivered"
    assert attributes["http.response.status_code"] == 200
    for name in STAGES:
        stage = spans[name]
        assert stage.parent is not None
        assert stage.context is not None
        assert f"{stage.parent.span_id:016x}" == span_id(deliver)
        assert f"{stage.context.trace_id:032x}" == TRACE
        assert (stage.start_time or 0) <= (stage.end_time or 0)
    starts = [spans[name].start_time or 0 for name in STAGES]
    assert starts == sorted(starts)


async def test_the_metadata_of_a_job_names_its_trace(rig: Rig) -> None:
    saved = await rig.webhook()
    await rig.platform.value("select rowhook.link_agent(%s, %s)", saved.id, rig.platform.agent)
    async with tracing(rig) as (_, exporter):
        await rig.platform.run(
            "insert into rowhook.job (agent_version_id, status, metadata)"
            " values (%s, 'succeeded', %s)",
            rig.platform.version,
            json.dumps({"traceparent": PLATFORM}),
        )
        (request,) = await rig.receiver.wait_for(1)
        await spans_of(exporter, 5)
    assert (request.header("traceparent") or "").startswith(f"00-{TRACE}-")


WATCHED = {
    "jobs": (
        "create table public.runs (id int, agent text, state text, trace text, meta json)",
        {"id": "id", "agent_id": "agent", "status": "state", "metadata": "meta"},
        "insert into public.runs values (1, %s, 'succeeded', %s, %s)",
    ),
    "commits": (
        "create table public.notes (id int, goal text, body jsonb, trace text, meta json)",
        {"id": "id", "goal_id": "goal", "data": "body", "context": "meta"},
        "insert into public.notes values (1, %s, '{}', %s, %s)",
    ),
}
OTHER = f"00-{'1' * 32}-{PARENT}-01"


async def send_watched(
    rig: Rig, kind: str, column: str | None, context: str, mapped: str = "trace"
) -> str:
    """Returns the header that the receiver gets for a row of a watched table."""
    table, mapping, insert = WATCHED[kind]
    saved = await rig.webhook()
    await rig.platform.value("select rowhook.link_agent(%s, %s)", saved.id, rig.platform.agent)
    await rig.platform.db.execute(table.encode())
    name = "public.runs" if kind == "jobs" else "public.notes"
    await watch(rig.platform, kind, name, mapping | {"traceparent": mapped})
    owner = str(rig.platform.agent) if kind == "jobs" else rig.platform.goal
    async with tracing(rig) as (_, exporter):
        await rig.platform.db.execute(insert.encode(), (owner, column, context))
        (request,) = await rig.receiver.wait_for(1)
        await spans_of(exporter, 5)
    return request.header("traceparent") or ""


@every_server
@pytest.mark.parametrize("kind", WATCHED)
async def test_a_mapped_column_of_a_watched_table_names_the_trace(rig: Rig, kind: str) -> None:
    context = json.dumps({"traceparent": OTHER})
    assert (await send_watched(rig, kind, PLATFORM, context)).startswith(f"00-{TRACE}-")
    stored = await rig.platform.value("select traceparent from rowhook.event")
    assert stored == PLATFORM


@pytest.mark.parametrize("column", [None, "nonsense", "x" * 5000, PLATFORM + "-more"], ids=repr)
async def test_without_a_trace_in_the_column_that_of_the_context_counts(
    rig: Rig, column: str | None
) -> None:
    context = json.dumps({"traceparent": OTHER})
    assert (await send_watched(rig, "jobs", column, context)).startswith(f"00-{'1' * 32}-")
    assert await rig.platform.value("select traceparent from rowhook.event") is None


async def test_a_path_into_a_json_column_may_name_the_trace(rig: Rig) -> None:
    context = json.dumps({"otel": {"parent": PLATFORM}})
    sent = await send_watched(rig, "commits", None, context, mapped="meta.otel.parent")
    assert sent.startswith(f"00-{TRACE}-")


async def test_a_missing_trace_column_is_refused_and_reported_as_drift(rig: Rig) -> None:
    table, mapping, insert = WATCHED["jobs"]
    await rig.platform.db.execute(table.encode())
    with pytest.raises(psycopg.Error, match="has no column trce, which is mapped to traceparent"):
        await watch(rig.platform, "jobs", "public.runs", mapping | {"traceparent": "trce"})
    await watch(rig.platform, "jobs", "public.runs", mapping | {"traceparent": "trace"})
    await rig.platform.run("alter table public.runs rename trace to span")
    faults = await rig.platform.rows(
        "select rowhook.source_drift(s) as fault from rowhook.source s where s.kind = 'jobs'"
    )
    assert {row["fault"] for row in faults} == {
        None,
        "public.runs has no column trace, which is mapped to traceparent.",
    }
    # Healed when the mapping is right again.
    saved = await rig.webhook()
    await rig.platform.value("select rowhook.link_agent(%s, %s)", saved.id, rig.platform.agent)
    await rig.platform.db.execute(insert.encode(), (str(rig.platform.agent), PLATFORM, None))
    await watch(rig.platform, "jobs", "public.runs", mapping | {"traceparent": "span"})
    await rig.platform.value("select rowhook.heal()")
    assert await rig.platform.value("select traceparent from rowhook.event") == PLATFORM


async def test_the_stored_request_has_the_header_that_was_sent(rig: Rig) -> None:
    await rig.webhook(headers={"X-Own": "{{ goal.id }}"}, body_template='{"n": {{ data.n }}}')
    async with tracing(rig) as (_, exporter):
        await rig.platform.commit()
        (request,) = await rig.receiver.wait_for(1)
        await spans_of(exporter, 5)
    stored = await rig.platform.value("select request from rowhook.attempt")
    headers = dict(stored["headers"])
    assert headers["traceparent"] == request.header("traceparent")
    assert headers["X-Own"] == request.header("x-own")
    assert stored["body"] == request.body.decode() == '{"n": 1}'


@pytest.mark.parametrize(
    "context",
    [
        {"traceparent": "nonsense"},
        {"traceparent": f"00-{'0' * 32}-{PARENT}-01"},
        {"traceparent": f"ff-{TRACE}-{PARENT}-01"},
        {"traceparent": 7},
        {"inner": {"traceparent": PLATFORM}},
        ["traceparent"],
        {},
    ],
    ids=str,
)
async def test_without_a_valid_trace_context_a_delivery_begins_a_trace(
    rig: Rig, context: Any
) -> None:
    await rig.webhook()
    async with tracing(rig) as (_, exporter):
        await commit_with(rig, context)
        (request,) = await rig.receiver.wait_for(1)
        spans = await spans_of(exporter, 5)
    deliver = spans["rowhook.deliver"]
    assert deliver.parent is None
    assert deliver.context is not None
    assert deliver.context.trace_id != int(TRACE, 16)
    trace = f"{deliver.context.trace_id:032x}"
    sent = request.header("traceparent") or ""
    # Its flags say that it is sampled, and may say that its id is random.
    assert sent.startswith(f"00-{trace}-{span_id(deliver)}-0")
    assert int(sent[-1]) & 1


async def test_the_header_of_the_webhook_wins(rig: Rig) -> None:
    await rig.webhook(headers={"Traceparent": "its-own"})
    async with tracing(rig) as (_, exporter):
        await commit_with(rig, {"traceparent": PLATFORM})
        (request,) = await rig.receiver.wait_for(1)
        await spans_of(exporter, 5)
    sent = [value for name, value in request.headers if name.lower() == "traceparent"]
    assert sent == ["its-own"]


async def test_each_attempt_of_a_delivery_is_a_span_and_a_failure_is_an_error(rig: Rig) -> None:
    await rig.webhook(retry_schedule_s=[0, 0])
    rig.receiver.script("/hook", answer(503), answer(200))
    async with tracing(rig) as (_, exporter):
        await commit_with(rig, {"traceparent": PLATFORM})
        await rig.reaches("delivered")
        await spans_of(exporter, 10)
    attempts = [span for span in exporter.get_finished_spans() if span.name == "rowhook.deliver"]
    assert [span.status.is_ok for span in attempts] == [False, True]
    assert [(span.attributes or {})["rowhook.status"] for span in attempts] == [
        "pending",
        "delivered",
    ]


async def test_a_delivery_that_cannot_be_rendered_has_no_send_span(rig: Rig) -> None:
    await rig.webhook(body_template='{"a": "{{ data.missing.price }}"}')
    async with tracing(rig) as (worker, exporter):
        await rig.platform.commit()
        await rig.reaches("held")
        spans = await spans_of(exporter, 4)
    assert set(spans) == {"rowhook.deliver", *STAGES} - {"rowhook.send"}
    assert worker._traces is not None
    assert not worker._traces._deliveries
    assert not worker._traces._answered_ns


async def test_an_unsampled_trace_is_passed_on_as_such(rig: Rig) -> None:
    await rig.webhook()
    async with tracing(rig, sampler=ALWAYS_OFF):
        await commit_with(rig, {"traceparent": PLATFORM})
        (request,) = await rig.receiver.wait_for(1)
    sent = request.header("traceparent") or ""
    assert sent.startswith(f"00-{TRACE}-")
    assert sent.endswith("-00")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
    ],
)
async def test_without_configuration_there_are_no_traces(environ: dict[str, str]) -> None:
    async with open_traces(environ) as traces:
        assert traces is None


async def test_the_console_exporter_prints_spans(capsys: pytest.CaptureFixture[str]) -> None:
    async with open_traces({"OTEL_TRACES_EXPORTER": "console"}) as traces:
        assert traces is not None
        traces._tracer.start_span("a span").end()
    assert '"name": "a span"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "Unknown exporter 'zipkin'. Use otlp, console or none",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "'grpc' is not supported. Use http/protobuf",
        ),
    ],
)
async def test_traces_that_cannot_be_exported_are_off_and_logged(
    environ: dict[str, str], message: str
) -> None:
    with capture_logs() as log:
        async with open_traces(environ) as traces:
            assert traces is None
    assert [(entry["event"], message in entry["reason"]) for entry in log] == [
        ("traces.unavailable", True)
    ]


async def test_traces_without_the_extra_are_off_and_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with capture_logs() as log:
        async with open_traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) as traces:
            assert traces is None
    assert "Install rowhook[otel]" in log[0]["reason"]
