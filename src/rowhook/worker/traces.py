"""Traces of deliveries with OpenTelemetry: the platform's trace goes on to the receiver.

A delivery is a span `rowhook.deliver` with the stages as its children. It continues the trace that
the platform's row names, and is the parent of the receiver's spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rowhook.model import Outcome, Verdict
from rowhook.transports.registry import NoOutcome

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from rowhook.model import Claim, DeliveryStatus, Event

_HEADER = "traceparent"
_W3C = TraceContextTextMapPropagator()


class _Traced(msgspec.Struct, frozen=True):
    """A snapshot, the metadata of a job or the context of a session that may name a trace."""

    traceparent: str = ""


class _Delivery(NamedTuple):
    span: Span
    context: Context


class Traces:
    """The spans of the deliveries that a worker has claimed, by token."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._deliveries: dict[int, _Delivery] = {}
        self._answered_ns: dict[int, int] = {}

    @contextmanager
    def rendering(
        self, claim: Claim, event: Event, claimed_between: tuple[int, int]
    ) -> Iterator[str]:
        """Begins the span of a delivery and that of its rendering; yields the receiver's header.

        `claimed_between` are the times of the claim, in nanoseconds since 1970.
        """
        began_ns, claimed_ns = claimed_between
        span = self._tracer.start_span(
            "rowhook.deliver",
            context=_W3C.extract({_HEADER: traceparent_of(event)}),
            kind=SpanKind.PRODUCER,
            start_time=began_ns,
            attributes={
                "rowhook.delivery": claim.outbox_id,
                "rowhook.attempt": claim.number,
                "rowhook.webhook": str(claim.webhook_id),
                "rowhook.event_type": event.type,
            },
        )
        delivery = _Delivery(span, trace.set_span_in_context(span))
        self._deliveries[claim.token] = delivery
        self._add(delivery, "rowhook.claim", began_ns, claimed_ns)
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, delivery.context)
        with self._child(delivery, "rowhook.render"):
            yield carrier[_HEADER]

    @contextmanager
    def sending(self, token: int) -> Iterator[None]:
        """Begins and ends the span of a request."""
        with self._child(self._deliveries[token], "rowhook.send"):
            yield

    def answer(self, token: int, outcome: Outcome | NoOutcome) -> None:
        """Notes the outcome of an attempt; without one, ends its span."""
        delivery = self._deliveries.get(token)
        if delivery is None:
            return
        if isinstance(outcome, NoOutcome):
            delivery.span.set_attribute("rowhook.outcome", outcome.name.lower())
            self.end(token)
            return
        self._answered_ns[token] = time_ns()
        attributes: dict[str, AttributeValue] = {"rowhook.outcome": outcome.verdict.value}
        if outcome.status_code is not None:
            attributes["http.response.status_code"] = outcome.status_code
        delivery.span.set_attributes(attributes)
        if outcome.verdict not in (Verdict.DELIVERED, Verdict.SKIPPED):
            delivery.span.set_status(Status(StatusCode.ERROR, outcome.error))

    def record(self, token: int, status: DeliveryStatus | None) -> None:
        """Ends the span of a delivery whose result was recorded; None: the result was late."""
        answered_ns = self._answered_ns.pop(token, None)
        delivery = self._deliveries.pop(token, None)
        if delivery is None:
            return
        if answered_ns is not None:
            self._add(delivery, "rowhook.record", answered_ns, time_ns())
        delivery.span.set_attribute("rowhook.status", status or "late")
        delivery.span.end()

    def end(self, token: int) -> None:
        """Ends the span of a delivery without a result."""
        self._answered_ns.pop(token, None)
        if (delivery := self._deliveries.pop(token, None)) is not None:
            delivery.span.end()

    def _add(self, delivery: _Delivery, name: str, began_ns: int, ended_ns: int) -> None:
        span = self._tracer.start_span(name, context=delivery.context, start_time=began_ns)
        span.end(ended_ns)

    @contextmanager
    def _child(self, delivery: _Delivery, name: str) -> Iterator[None]:
        span = self._tracer.start_span(name, context=delivery.context)
        try:
            yield
        finally:
            span.end()


def traceparent_of(event: Event) -> str:
    """Returns the trace of the event's row, or an empty text.

    A mapped column comes first, then the `traceparent` of the job's metadata or the session's
    context. Whether it is valid is left to OpenTelemetry, which ignores other texts (W3C Trace
    Context).
    """
    return _traceparent_in(event.snapshot) or _traceparent_in(event.context)


def _traceparent_in(text: str | None) -> str:
    if text is None or '"traceparent"' not in text:
        return ""
    try:
        return msgspec.json.decode(text, type=_Traced).traceparent
    except msgspec.MsgspecError:
        return ""
