"""What can be rendered of a request that may not be sent: for people who mend its webhook."""

from __future__ import annotations

from collections.abc import Mapping

from rowhook.compose.payload import default_payload, rfc3339, variables
from rowhook.compose.webhook import Webhook
from rowhook.delivery import Event, Shown
from rowhook.template import RenderFault, Template


def render_partly(webhook: Webhook, event: Event, *, epoch_s: float) -> Shown | None:
    """The request with its secrets redacted, without the parts that fail; None if all would.

    It is not signed: nothing that may not be sent gets a signature. A URL that fails is empty.
    """
    timestamp = rfc3339(epoch_s)
    known = variables(event, timestamp)
    url = "" if webhook.url is None else _redacted(webhook.url, known)
    body = _body(webhook, event, timestamp, known) if event.oversize_bytes is None else None
    if body is None and not url:
        return None
    rendered = ((name, _redacted(template, known)) for name, template in webhook.headers)
    headers = tuple((name, value) for name, value in rendered if value is not None)
    return Shown(
        method=webhook.method, url=url or "", headers=webhook.fixed_headers + headers, body=body
    )


def _body(
    webhook: Webhook, event: Event, timestamp: str, known: Mapping[str, object]
) -> str | None:
    if not webhook.sends_body:
        return None
    if webhook.raw_payload:
        return event.data if event.data is not None else "null"
    if webhook.body is not None:
        return _redacted(webhook.body, known)
    return default_payload(event, timestamp)


def _redacted(template: Template, known: Mapping[str, object]) -> str | None:
    try:
        return template.render(known).redacted()
    except RenderFault:
        return None
