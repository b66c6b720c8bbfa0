"""Renders as much as possible of an invalid request, for previews."""

from __future__ import annotations

from collections.abc import Mapping

from rowhook.model import Event, RedactedRequest
from rowhook.render.payload import default_payload, rfc3339, variables
from rowhook.render.webhook_compiler import Webhook
from rowhook.template.compiler import Template
from rowhook.template.faults import RenderFault
from rowhook.template.render_state import Budget


def render_partial(webhook: Webhook, event: Event, *, epoch_s: float) -> RedactedRequest | None:
    """Return the redacted request without the parts that fail, or None if all fail.

    It is not signed. A URL that fails is empty.
    """
    timestamp, budget = rfc3339(epoch_s), Budget()
    names = variables(event, timestamp)
    url = "" if webhook.url is None else _redacted(webhook.url, names, budget)
    is_complete = event.oversize_bytes is None
    body = _body(webhook, event, timestamp, names, budget) if is_complete else None
    if body is None and not url:
        return None
    rendered = ((name, _redacted(template, names, budget)) for name, template in webhook.headers)
    headers = tuple((name, value) for name, value in rendered if value is not None)
    return RedactedRequest(
        method=webhook.method, url=url or "", headers=webhook.fixed_headers + headers, body=body
    )


def _body(
    webhook: Webhook, event: Event, timestamp: str, names: Mapping[str, object], budget: Budget
) -> str | None:
    if not webhook.sends_body:
        return None
    if webhook.raw_payload:
        return event.data if event.data is not None else "null"
    if webhook.body is not None:
        return _redacted(webhook.body, names, budget)
    return default_payload(event, timestamp)


def _redacted(template: Template, names: Mapping[str, object], budget: Budget) -> str | None:
    try:
        return template.render(names, budget).redacted()
    except RenderFault:
        return None
