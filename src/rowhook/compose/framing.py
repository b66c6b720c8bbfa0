"""A shown request as it is stored: the frame, made once for a webhook, and the values."""

from __future__ import annotations

from rowhook.compose.frame import Origins, Shared, make_frame
from rowhook.compose.payload import PAYLOAD_ORIGINS
from rowhook.compose.webhook import Webhook
from rowhook.delivery import EventPart, Frame, Framed, Headers, Shown
from rowhook.template import Template

_KEY = (EventPart("key"),)
_WIRE_KEY = (Shared("key"),)
_EPOCH = Shared("epoch")
# By the kind of a body; `static` and the kinds of payloads are others.
_BODIES: dict[str, Origins] = {"raw": (EventPart("data"),), "rendered": (None,)}


def framed(
    webhook: Webhook, shown: Shown, *, key: str, epoch: int, kind: str, values: tuple[str, ...]
) -> Framed | None:
    """The request in its two parts; None for one that SQL could not put together again.

    `kind` says what the body is made of: `none`, `static`, `rendered`, `raw`, or a key of
    PAYLOAD_ORIGINS; `values` are those of its parts that are of this attempt alone.
    """
    fixed = len(webhook.fixed_headers)
    signature = shown.headers[fixed : len(shown.headers) - len(webhook.headers)]
    signed = _signature_values(signature, key, epoch)
    if signed is None:
        return None
    own = shown.headers[len(shown.headers) - len(webhook.headers) :]
    sent = (
        *(() if _is_static(webhook.url) else (shown.url,)),
        *signed,
        *(
            value
            for (_, value), (_, part) in zip(own, webhook.headers, strict=True)
            if not part.is_static
        ),
        *values,
    )
    if any("\x00" in value for value in sent):
        return None
    shape = (kind, len(signed))
    frame = webhook.frames.get(shape)
    if frame is None:
        # As many as a webhook has kinds of bodies, with and without a key that is sent as it is.
        frame = webhook.frames[shape] = _frame(webhook, shown, signature, key, kind)
    return Framed(frame=frame, values=sent)


def _is_static(template: Template | None) -> bool:
    return template is None or template.is_static


def _signature_values(signature: Headers, key: str, epoch: int) -> tuple[str, ...] | None:
    """The values of what `Webhook.sign` added, in the order of _signature_origins."""
    if not signature:
        return ()
    (_, sent_key), (_, mark), _, (_, timestamp), (_, standard) = signature
    begin = f"t={epoch},"
    if timestamp != str(epoch) or not mark.startswith(begin):
        return None
    mark = mark[len(begin) :]
    if sent_key == key:
        return timestamp, mark, standard
    return sent_key, timestamp, mark, standard


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


def _frame(webhook: Webhook, shown: Shown, signature: Headers, key: str, kind: str) -> Frame:
    headers: list[tuple[str, Origins]] = [(name, (value,)) for name, value in webhook.fixed_headers]
    headers += _signature_origins(signature, key)
    own = shown.headers[len(headers) :]
    headers += [
        (name, (value if part.is_static else None,))
        for (name, value), (_, part) in zip(own, webhook.headers, strict=True)
    ]
    return make_frame(
        webhook.id,
        webhook.organization_id,
        shown.method,
        (shown.url if _is_static(webhook.url) else None,),
        headers,
        _body_origins(shown, kind),
    )


def _body_origins(shown: Shown, kind: str) -> Origins | None:
    if shown.body is None:
        return None
    if kind == "static":
        return (shown.body,)
    return _BODIES.get(kind) or PAYLOAD_ORIGINS[kind]
