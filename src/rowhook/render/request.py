"""Renders the request of an attempt: condition, body, schema, URL, headers, signature."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from rowhook import json_pointer
from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import is_allowed_host, parse_target
from rowhook.model import (
    BodyFault,
    Event,
    FaultLocation,
    Headers,
    Outcome,
    RedactedRequest,
    Request,
    Stages,
    Verdict,
)
from rowhook.render.payload import default_payload_of_kind, rfc3339, variables
from rowhook.render.stored_frames import frame_request
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.reader import NotJson, parse_instance
from rowhook.template.compiler import Condition, Template
from rowhook.template.faults import RenderFault, StepsExceeded
from rowhook.template.limits import INLINE_OUTPUT, MAX_STEPS, Budget


class _Stopped(Exception):
    def __init__(self, verdict: Verdict, error: str, **fields: Any) -> None:
        self.outcome = Outcome(verdict=verdict, error=error, **fields)


def render_request(
    webhook: Webhook,
    event: Event,
    *,
    epoch_s: float,
    policy: EgressPolicy,
    steps: int = MAX_STEPS,
    traceparent: str | None = None,
) -> Request | Outcome:
    """Returns the signed request of an attempt, or the outcome that prevents it.

    `traceparent` is the header of that name, unless the webhook has its own.

    `epoch_s` is the time of sending, in seconds since 1970. `steps` are those of all templates;
    raises StepsExceeded if it is less than MAX_STEPS and not enough. Invalid input does not raise.
    """
    timestamp, timer = rfc3339(epoch_s), _StageTimer()
    try:
        return _render(
            webhook, event, timestamp, int(epoch_s), policy, timer, Budget(steps), traceparent
        )
    except _Stopped as stopped:
        return replace(stopped.outcome, stages=timer.stages())


class _StageTimer:
    """Measures the stages of rendering, in milliseconds."""

    __slots__ = ("_began", "rendered", "validated")

    def __init__(self) -> None:
        self._began = perf_counter()
        self.rendered: float | None = None
        self.validated: float | None = None

    def ms(self) -> float:
        return (perf_counter() - self._began) * 1000

    def stages(self) -> Stages:
        return Stages(rendered=self.rendered, validated=self.validated)


def _render(
    webhook: Webhook,
    event: Event,
    timestamp: str,
    epoch: int,
    policy: EgressPolicy,
    timer: _StageTimer,
    budget: Budget,
    traceparent: str | None,
) -> Request:
    names = _variables(webhook, event, timestamp, budget)
    body, redacted_body, kind, values = _body(webhook, event, timestamp, names, budget)
    timer.rendered = timer.ms()
    _validate_if_json(webhook, body, timer)
    url, redacted_url = _url(webhook, names, policy, budget)
    own, redacted_own, trace = _own_headers(webhook, names, budget, traceparent)
    sent = None if body is None else body.encode("utf-8")
    added = webhook.fixed_headers + webhook.sign(event.key, epoch, sent or b"")
    redacted = RedactedRequest(
        method=webhook.method, url=redacted_url, headers=added + redacted_own, body=redacted_body
    )
    framed_request = frame_request(
        webhook,
        redacted,
        key=event.key,
        epoch=epoch,
        kind=kind,
        values=values,
        is_traced=trace != (),
    )
    return Request(
        method=webhook.method,
        url=url,
        headers=added + own,
        body=sent,
        timeout_s=webhook.timeout_s,
        stages=timer.stages(),
        redacted=redacted,
        framed_request=framed_request,
    )


def _validate_if_json(webhook: Webhook, body: str | None, timer: _StageTimer) -> None:
    """Validates a JSON body that a template or schema can make invalid."""
    may_be_invalid = webhook.schema is not None or webhook.body is not None
    if body is not None and webhook.is_json and may_be_invalid:
        _validate(webhook, body)
        timer.validated = timer.ms()


def _trace_header(webhook: Webhook, traceparent: str | None) -> Headers:
    if traceparent is None or any(name.lower() == "traceparent" for name, _ in webhook.headers):
        return ()
    return (("traceparent", traceparent),)


def _variables(
    webhook: Webhook, event: Event, timestamp: str, budget: Budget
) -> Mapping[str, object]:
    """Returns the variables; raises _Stopped if the event is too large or the condition false."""
    if event.oversize_bytes is not None:
        raise _Stopped(
            Verdict.RENDER_FAILED,
            f"The event has {event.oversize_bytes} bytes of data, more than the limit of 1 MiB.",
        )
    names = variables(event, timestamp)
    if webhook.condition is not None and not _is_true(webhook.condition, names, budget):
        raise _Stopped(Verdict.SKIPPED, "The condition was false.")
    return names


def _is_true(condition: Condition, names: Mapping[str, object], budget: Budget) -> bool:
    try:
        return condition.holds(names, budget)
    except RenderFault as fault:
        raise _failed(("condition",), condition, fault, budget) from None


def _render_text(
    path: tuple[str, ...],
    template: Template,
    names: Mapping[str, object],
    secrets: Mapping[str, str],
    budget: Budget,
) -> tuple[str, str]:
    """Returns the text with its secrets, and redacted; `path` is that of the template."""
    try:
        rendered = template.render(names, budget)
        return rendered.reveal(secrets), rendered.redacted()
    except RenderFault as fault:
        raise _failed(path, template, fault, budget) from None


def _failed(
    path: tuple[str, ...], part: Template | Condition, fault: RenderFault, budget: Budget
) -> Exception:
    if isinstance(fault, StepsExceeded) and budget.limit < MAX_STEPS:
        return fault
    at = part.positions.get(fault.subject or "", (None, None))
    return _Stopped(
        Verdict.RENDER_FAILED,
        str(fault),
        subject=fault.subject,
        location=FaultLocation(json_pointer.join(path), *at),
    )


def _body(
    webhook: Webhook, event: Event, timestamp: str, names: Mapping[str, object], budget: Budget
) -> tuple[str | None, str | None, str, tuple[str, ...]]:
    """Returns the body, the redacted body, its kind and its values for the frame."""
    if not webhook.sends_body:
        return None, None, "none", ()
    if webhook.raw_payload:
        sent = event.data if event.data is not None else "null"
        return sent, sent, "raw", ()
    if webhook.body is not None:
        sent, redacted = _render_text(
            ("body_template",), webhook.body, names, webhook.secrets, budget
        )
        if webhook.body.is_static:
            return sent, redacted, "static", ()
        if budget.limit < MAX_STEPS and len(sent) > INLINE_OUTPUT:
            raise StepsExceeded("The body is too long for the event loop.")
        # PostgreSQL cannot store NUL, which a text body may contain.
        redacted = redacted.replace("\x00", "\ufffd")
        return sent, redacted, "rendered", (redacted,)
    sent, kind = default_payload_of_kind(event, timestamp)
    return sent, sent, kind, (timestamp,)


def _validate(webhook: Webhook, body: str) -> None:
    if webhook.is_json_lines:
        for number, line in enumerate(body.split("\n"), 1):
            if line.strip():
                _parsed(line, f"Line {number} of the body")
        return
    instance = _parsed(body, "The body")
    if webhook.schema is None:
        return
    faults = webhook.schema.faults(instance)
    if faults:
        redacted = tuple(
            BodyFault(webhook.redact(fault.pointer), fault.keyword, webhook.redact(fault.message))
            for fault in faults
        )
        message = " ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults)
        raise _Stopped(Verdict.SCHEMA_FAILED, webhook.redact(message), faults=redacted)


def _parsed(text: str, name: str) -> Any:
    try:
        return parse_instance(text)
    except NotJson as error:
        message = f"{name} is not valid JSON: {error}"
        raise _Stopped(
            Verdict.RENDER_FAILED, message, location=FaultLocation("/body_template")
        ) from None


def _url(
    webhook: Webhook, names: Mapping[str, object], policy: EgressPolicy, budget: Budget
) -> tuple[str, str]:
    if webhook.url is None:
        return "", ""
    url, redacted = _render_text(("url",), webhook.url, names, webhook.secrets, budget)
    try:
        target = parse_target(url, policy)
    except TargetForbidden as error:
        raise _Stopped(Verdict.TARGET_FORBIDDEN, str(error)) from None
    except UrlRejected as error:
        message = webhook.redact(str(error))
        raise _Stopped(Verdict.RENDER_FAILED, message, location=FaultLocation("/url")) from None
    for secret, hosts in webhook.allowed_hosts.items():
        if not is_allowed_host(target.host, hosts):
            raise _Stopped(
                Verdict.CONFIG_REJECTED,
                f"Secret {secret} may only be sent to its allowed hosts: {', '.join(hosts)}.",
            )
    return url, redacted


def _own_headers(
    webhook: Webhook, names: Mapping[str, object], budget: Budget, traceparent: str | None
) -> tuple[Headers, Headers, Headers]:
    """Returns the webhook's headers, their redacted form, and the trace header that ends both."""
    trace = _trace_header(webhook, traceparent)
    if not webhook.headers:
        return trace, trace, trace
    rendered = [
        (name, _render_text(("headers", name), template, names, webhook.secrets, budget))
        for name, template in webhook.headers
    ]
    sent = tuple((name, value) for name, (value, _) in rendered)
    redacted = tuple((name, redacted) for name, (_, redacted) in rendered)
    return sent + trace, redacted + trace, trace
