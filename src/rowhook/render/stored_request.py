"""Splits a redacted request into a frame, built once per webhook, and the values of the attempt."""

from __future__ import annotations

from rowhook.model import EventPart, FramedRequest, Headers, RedactedRequest, RequestFrame
from rowhook.render.payload import PAYLOAD_ORIGINS
from rowhook.render.request_frame import Origins, Shared, make_frame
from rowhook.render.webhook_compiler import Webhook
from rowhook.template.compiler import Template

_KEY = (EventPart("key"),)
_WIRE_KEY = (Shared("key"),)
_EPOCH = Shared("epoch")
# By kind of body; `static` and the default payloads are handled separately.
_BODIES: dict[str, Origins] = {"raw": (EventPart("data"),), "rendered": (None,)}


def frame_request(
    webhook: Webhook,
    request: RedactedRequest,
    *,
    key: str,
    epoch: int,
    kind: str,
    values: tuple[str, ...],
    is_traced: bool = False,
) -> FramedRequest | None:
    """Return the framed request, or None if SQL could not reassemble it.

    `kind` is the kind of body: `none`, `static`, `rendered`, `raw`, or a key of PAYLOAD_ORIGINS.
    `values` are the parts of the body that belong to this attempt. If the request `is_traced`, its
    last header is the trace.
    """
    fixed = len(webhook.fixed_headers)
    headers = request.headers[:-1] if is_traced else request.headers
    signature = headers[fixed : len(headers) - len(webhook.headers)]
    signed = _signature_values(signature, key, epoch)
    if signed is None:
        return None
    all_values = signed + values
    if webhook.headers or is_traced or not _is_static(webhook.url):
        own = headers[len(headers) - len(webhook.headers) :]
        all_values = (
            *(() if _is_static(webhook.url) else (request.url,)),
            *signed,
            *(
                value
                for (_, value), (_, part) in zip(own, webhook.headers, strict=True)
                if not part.is_static
            ),
            *(value for _, value in request.headers[len(headers) :]),
            *values,
        )
    shape = (kind, len(signed), is_traced)
    frame = webhook.frames.get(shape)
    if frame is None:
        # At most four per kind of body: with the event's key or a hashed key, traced or not.
        frame = webhook.frames[shape] = _frame(
            webhook, request, signature, key, kind, is_traced=is_traced
        )
    return FramedRequest(frame=frame, values=all_values)


def _is_static(template: Template | None) -> bool:
    return template is None or template.is_static


def _signature_values(signature: Headers, key: str, epoch: int) -> tuple[str, ...] | None:
    """Return the values of the signature headers, in the order of _signature_origins."""
    if not signature:
        return ()
    (_, sent_key), (_, branded), _, (_, timestamp), (_, standard) = signature
    prefix = f"t={epoch},"
    if timestamp != str(epoch) or not branded.startswith(prefix):
        return None
    branded = branded[len(prefix) :]
    if sent_key == key:
        return timestamp, branded, standard
    return sent_key, timestamp, branded, standard


def _signature_origins(signature: Headers, key: str) -> list[tuple[str, Origins]]:
    if not signature:
        return []
    sent_key: Origins = _KEY if signature[0][1] == key else _WIRE_KEY
    origins: tuple[Origins, ...] = (
        sent_key,
        ("t=", _EPOCH, ",", None),
        sent_key,
        (_EPOCH,),
        (None,),
    )
    return [(name, origin) for (name, _), origin in zip(signature, origins, strict=True)]


def _frame(
    webhook: Webhook,
    request: RedactedRequest,
    signature: Headers,
    key: str,
    kind: str,
    *,
    is_traced: bool,
) -> RequestFrame:
    headers: list[tuple[str, Origins]] = [(name, (value,)) for name, value in webhook.fixed_headers]
    headers += _signature_origins(signature, key)
    own = request.headers[len(headers) : len(headers) + len(webhook.headers)]
    headers += [
        (name, (value if part.is_static else None,))
        for (name, value), (_, part) in zip(own, webhook.headers, strict=True)
    ]
    if is_traced:
        headers.append((request.headers[-1][0], (None,)))
    return make_frame(
        webhook.id,
        webhook.organization_id,
        request.method,
        (request.url if _is_static(webhook.url) else None,),
        headers,
        _body_origins(request, kind),
    )


def _body_origins(request: RedactedRequest, kind: str) -> Origins | None:
    if request.body is None:
        return None
    if kind == "static":
        return (request.body,)
    return _BODIES.get(kind) or PAYLOAD_ORIGINS[kind]
