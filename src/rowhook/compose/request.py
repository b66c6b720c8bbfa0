"""One attempt's request: condition, body, schema, URL, headers, signature, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from rowhook.compose.framing import framed
from rowhook.compose.headers import header_pointer
from rowhook.compose.payload import default_payload_of_kind, rfc3339, variables
from rowhook.compose.webhook import Webhook
from rowhook.delivery import (
    BodyFault,
    Event,
    Headers,
    Outcome,
    Request,
    Shown,
    Spot,
    Stages,
    Verdict,
)
from rowhook.egress import Egress, TargetForbidden, UrlRejected, parse_target
from rowhook.schema import NotJson, parse_instance
from rowhook.template import Condition, RenderFault, Template

_target = lru_cache(2048)(parse_target)


class _Stopped(Exception):
    def __init__(self, verdict: Verdict, error: str, **found: Any) -> None:
        self.outcome = Outcome(verdict=verdict, error=error, **found)


def compose(webhook: Webhook, event: Event, *, epoch_s: float, policy: Egress) -> Request | Outcome:
    """The signed request of this attempt, or the outcome that stopped it; never raises for input.

    `epoch_s` is the time of sending, in seconds since 1970.
    """
    timestamp, watch = rfc3339(epoch_s), _Watch()
    try:
        return _compose(webhook, event, timestamp, int(epoch_s), policy, watch)
    except _Stopped as stopped:
        return replace(stopped.outcome, stages=watch.stages())


class _Watch:
    """How far composing has come, in milliseconds."""

    __slots__ = ("_began", "rendered", "validated")

    def __init__(self) -> None:
        self._began = perf_counter()
        self.rendered: float | None = None
        self.validated: float | None = None

    def ms(self) -> float:
        return (perf_counter() - self._began) * 1000

    def stages(self) -> Stages:
        return Stages(rendered=self.rendered, validated=self.validated)


def _compose(
    webhook: Webhook, event: Event, timestamp: str, epoch: int, policy: Egress, watch: _Watch
) -> Request:
    known = _known(webhook, event, timestamp)
    body, shown_body, kind, values = _body(webhook, event, timestamp, known)
    watch.rendered = watch.ms()
    made_here = webhook.schema is not None or webhook.body is not None
    if body is not None and webhook.is_json and made_here:
        _validate(webhook, body)
        watch.validated = watch.ms()
    url, shown_url = _url(webhook, known, policy)
    own, shown_own = _own_headers(webhook, known)
    sent = None if body is None else body.encode("utf-8")
    added = webhook.fixed_headers + webhook.sign(event.key, epoch, sent or b"")
    shown = Shown(method=webhook.method, url=shown_url, headers=added + shown_own, body=shown_body)
    return Request(
        method=webhook.method,
        url=url,
        headers=added + own,
        body=sent,
        timeout_s=webhook.timeout_s,
        stages=watch.stages(),
        shown=shown,
        framed=framed(webhook, shown, key=event.key, epoch=epoch, kind=kind, values=values),
    )


def _known(webhook: Webhook, event: Event, timestamp: str) -> Mapping[str, object]:
    """What templates may name; stops for an event that is not kept, or not asked for."""
    if event.oversize_bytes is not None:
        raise _Stopped(
            Verdict.RENDER_FAILED,
            f"The event has {event.oversize_bytes} bytes of data, more than the limit of 1 MiB.",
        )
    known = variables(event, timestamp)
    if webhook.condition is not None and not _holds(webhook.condition, known):
        raise _Stopped(Verdict.SKIPPED, "The condition was false.")
    return known


def _holds(condition: Condition, known: Mapping[str, object]) -> bool:
    try:
        return condition.holds(known)
    except RenderFault as fault:
        raise _failed("/condition", condition, fault) from None


def _filled(
    pointer: str, template: Template, known: Mapping[str, object], secrets: Mapping[str, str]
) -> tuple[str, str]:
    """The text with its secrets, and as people may see it."""
    try:
        rendered = template.render(known)
        return rendered.reveal(secrets), rendered.redacted()
    except RenderFault as fault:
        raise _failed(pointer, template, fault) from None


def _failed(pointer: str, part: Template | Condition, fault: RenderFault) -> _Stopped:
    at = part.positions.get(fault.subject or "", (None, None))
    return _Stopped(
        Verdict.RENDER_FAILED, str(fault), subject=fault.subject, spot=Spot(pointer, *at)
    )


def _body(
    webhook: Webhook, event: Event, timestamp: str, known: Mapping[str, object]
) -> tuple[str | None, str | None, str, tuple[str, ...]]:
    """The body with its secrets, as people may see it, and of what kind and values that is."""
    if not webhook.sends_body:
        return None, None, "none", ()
    if webhook.raw_payload:
        sent = event.data if event.data is not None else "null"
        return sent, sent, "raw", ()
    if webhook.body is not None:
        sent, shown = _filled("/body_template", webhook.body, known, webhook.secrets)
        is_static = webhook.body.is_static
        return sent, shown, "static" if is_static else "rendered", () if is_static else (shown,)
    sent, kind = default_payload_of_kind(event, timestamp)
    return sent, sent, kind, (timestamp,)


def _validate(webhook: Webhook, body: str) -> None:
    try:
        instance = parse_instance(body)
    except NotJson as fault:
        said = f"The body is not valid JSON: {fault}"
        raise _Stopped(Verdict.RENDER_FAILED, said, spot=Spot("/body_template")) from None
    if webhook.schema is None:
        return
    faults = webhook.schema.faults(instance)
    if faults:
        told = tuple(
            BodyFault(webhook.redact(one.pointer), one.keyword, webhook.redact(one.message))
            for one in faults
        )
        said = " ".join(f"{one.pointer or '/'}: {one.message}" for one in faults)
        raise _Stopped(Verdict.SCHEMA_FAILED, webhook.redact(said), faults=told)


def _url(webhook: Webhook, known: Mapping[str, object], policy: Egress) -> tuple[str, str]:
    if webhook.url is None:
        return "", ""
    url, shown = _filled("/url", webhook.url, known, webhook.secrets)
    try:
        target = _target(url, policy)
    except TargetForbidden as refused:
        raise _Stopped(Verdict.TARGET_FORBIDDEN, str(refused)) from None
    except UrlRejected as refused:
        said = webhook.redact(str(refused))
        raise _Stopped(Verdict.RENDER_FAILED, said, spot=Spot("/url")) from None
    for secret, hosts in webhook.allowed_hosts.items():
        if target.host not in hosts:
            raise _Stopped(
                Verdict.CONFIG_REJECTED,
                f"Secret {secret} may only be sent to its allowed hosts: {', '.join(hosts)}.",
            )
    return url, shown


def _own_headers(webhook: Webhook, known: Mapping[str, object]) -> tuple[Headers, Headers]:
    filled = [
        (name, _filled(header_pointer(name), template, known, webhook.secrets))
        for name, template in webhook.headers
    ]
    sent = tuple((name, value) for name, (value, _) in filled)
    return sent, tuple((name, shown) for name, (_, shown) in filled)
