"""One attempt's request: condition, body, schema, URL, headers, signature, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rowhook.compose.payload import default_payload, rfc3339, variables
from rowhook.compose.webhook import Webhook
from rowhook.delivery import BodyFault, Event, Headers, Outcome, Request, Shown, Verdict
from rowhook.egress import Egress, TargetForbidden, UrlRejected, parse_target
from rowhook.schema import NotJson, parse_instance
from rowhook.template import RenderFault

_target = lru_cache(2048)(parse_target)


class _Stopped(Exception):
    def __init__(self, verdict: Verdict, error: str, faults: tuple[BodyFault, ...] = ()) -> None:
        self.outcome = Outcome(verdict=verdict, error=error, faults=faults)


def compose(webhook: Webhook, event: Event, *, epoch_s: float, policy: Egress) -> Request | Outcome:
    """The signed request of this attempt, or the outcome that stopped it; never raises for input.

    `epoch_s` is the time of sending, in seconds since 1970.
    """
    timestamp = rfc3339(epoch_s)
    try:
        return _compose(webhook, event, timestamp, int(epoch_s), policy)
    except _Stopped as stopped:
        return stopped.outcome
    except RenderFault as fault:
        return Outcome(verdict=Verdict.RENDER_FAILED, error=str(fault), subject=fault.subject)


def _compose(webhook: Webhook, event: Event, timestamp: str, epoch: int, policy: Egress) -> Request:
    if event.oversize_bytes is not None:
        raise _Stopped(
            Verdict.RENDER_FAILED,
            f"the event held {event.oversize_bytes} bytes of data; at most 1 MiB is kept and sent",
        )
    known = variables(event, timestamp)
    if webhook.condition is not None and not webhook.condition.holds(known):
        raise _Stopped(Verdict.SKIPPED, "the condition was false")
    body, shown_body = _body(webhook, event, timestamp, known)
    url, shown_url = _url(webhook, known, policy)
    own, shown_own = _own_headers(webhook, known)
    added = webhook.fixed_headers + webhook.sign(event.key, epoch, body or b"")
    return Request(
        method=webhook.method,
        url=url,
        headers=added + own,
        body=body,
        timeout_s=webhook.timeout_s,
        shown=Shown(
            method=webhook.method, url=shown_url, headers=added + shown_own, body=shown_body
        ),
    )


def _body(
    webhook: Webhook, event: Event, timestamp: str, known: Mapping[str, object]
) -> tuple[bytes | None, str | None]:
    if not webhook.sends_body:
        return None, None
    if webhook.raw_payload:
        sent = shown = event.data if event.data is not None else "null"
    elif webhook.body is not None:
        rendered = webhook.body.render(known)
        sent, shown = rendered.reveal(webhook.secrets), rendered.redacted()
    else:
        sent = shown = default_payload(event, timestamp)
    if webhook.is_json and (webhook.schema is not None or webhook.body is not None):
        _validate(webhook, sent)
    return sent.encode("utf-8"), shown


def _validate(webhook: Webhook, body: str) -> None:
    try:
        instance = parse_instance(body)
    except NotJson as fault:
        raise _Stopped(Verdict.RENDER_FAILED, f"the body is not JSON: {fault}") from None
    if webhook.schema is None:
        return
    faults = webhook.schema.faults(instance)
    if faults:
        told = tuple(
            BodyFault(webhook.redact(one.pointer), one.keyword, webhook.redact(one.message))
            for one in faults
        )
        said = "; ".join(f"{one.pointer or '/'}: {one.message}" for one in faults)
        raise _Stopped(Verdict.SCHEMA_FAILED, webhook.redact(said), told)


def _url(webhook: Webhook, known: Mapping[str, object], policy: Egress) -> tuple[str, str]:
    if webhook.url is None:
        return "", ""
    rendered = webhook.url.render(known)
    url = rendered.reveal(webhook.secrets)
    try:
        target = _target(url, policy)
    except TargetForbidden as refused:
        raise _Stopped(Verdict.TARGET_FORBIDDEN, str(refused)) from None
    except UrlRejected as refused:
        raise _Stopped(Verdict.RENDER_FAILED, webhook.redact(f"the URL: {refused}")) from None
    for secret, hosts in webhook.allowed_hosts.items():
        if target.host not in hosts:
            raise _Stopped(
                Verdict.CONFIG_REJECTED,
                f"secret {secret} may be sent to {', '.join(hosts)} alone: see its allowed_hosts",
            )
    return url, rendered.redacted()


def _own_headers(webhook: Webhook, known: Mapping[str, object]) -> tuple[Headers, Headers]:
    rendered = [(name, template.render(known)) for name, template in webhook.headers]
    sent = tuple((name, value.reveal(webhook.secrets)) for name, value in rendered)
    return sent, tuple((name, value.redacted()) for name, value in rendered)
