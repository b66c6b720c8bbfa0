"""Sets up the export of traces by the standard environment variables of OpenTelemetry."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from rowhook.worker.traces import Traces

log = structlog.get_logger()
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTERS = ("otlp", "console", "none")


class TracesUnavailable(Exception):
    """The configured traces cannot be exported; the message contains the remedy."""


@asynccontextmanager
async def open_traces(environ: Mapping[str, str]) -> AsyncIterator[Traces | None]:
    """Yields the traces of a worker; None if none are configured or they cannot be exported.

    The second is logged only, because the variables are often set for all programs of a host.
    """
    try:
        exporter = _exporter_name(environ)
        provider = None if exporter == "none" else _open_provider(exporter, environ)
    except TracesUnavailable as error:
        log.warning("traces.unavailable", reason=str(error))
        provider = None
    if provider is None:
        yield None
        return
    from rowhook.worker.traces import Traces  # noqa: PLC0415  # needs the extra

    log.info("traces.exported", exporter=exporter)
    try:
        yield Traces(provider.get_tracer("rowhook"))
    finally:
        # Exports the remaining spans, so it may wait for the collector.
        await asyncio.to_thread(provider.shutdown)


def _exporter_name(environ: Mapping[str, str]) -> str:
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "none"
    default = "otlp" if any(environ.get(name) for name in _ENDPOINTS) else "none"
    exporter = environ.get("OTEL_TRACES_EXPORTER") or default
    if exporter not in _EXPORTERS:
        raise TracesUnavailable(
            f"OTEL_TRACES_EXPORTER: Unknown exporter {exporter!r}. Use otlp, console or none."
        )
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "http/protobuf")
    if exporter == "otlp" and protocol != "http/protobuf":
        raise TracesUnavailable(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol!r} is not supported. Use http/protobuf, and"
            " the collector's port for it, by default 4318."
        )
    return exporter


def _open_provider(exporter: str, environ: Mapping[str, str]) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
            BatchSpanProcessor,
            ConsoleSpanExporter,
        )
    except ImportError as error:
        raise TracesUnavailable(
            f"{error.name} is not installed. Install rowhook[otel], or set"
            " OTEL_TRACES_EXPORTER=none."
        ) from error
    attributes = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    is_named = "service.name=" in attributes or environ.get("OTEL_SERVICE_NAME")
    provider = TracerProvider(
        resource=Resource.create({} if is_named else {"service.name": "rowhook"}),
        shutdown_on_exit=False,
    )
    sink = OTLPSpanExporter() if exporter == "otlp" else ConsoleSpanExporter(out=sys.stderr)
    provider.add_span_processor(BatchSpanProcessor(sink))
    return provider
