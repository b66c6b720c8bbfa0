"""Explanations of deliveries for agents."""

from __future__ import annotations

from rowhook.operations.documents import DeliveryWithAttempts, Status

_STATUS_DESCRIPTIONS: dict[Status, str] = {
    "pending": "It is waiting and will be sent {when}.",
    "sending": "A worker is sending it now.",
    "held": "It was not sent: the output could not be rendered, or does not match its schema."
    " It is retried automatically when the webhook or a secret that it uses is changed.",
    "delivered": "The receiver accepted it.",
    "dead": "It is not retried any more: every attempt failed, or the receiver answered 410 Gone.",
    "cancelled": "It was cancelled by an operator, or its webhook was deleted.",
    "skipped": "It was not sent: the webhook's condition was false, or the webhook is disabled.",
}
_RETRY_HINT = "Call retry_delivery to send it again with the same Idempotency-Key."


def explanation(delivery: DeliveryWithAttempts) -> str:
    """Describe a delivery in a few sentences: its state, its attempts, and what to do."""
    when = "now" if delivery.next_attempt_at is None else f"at {delivery.next_attempt_at}"
    name = delivery.webhook_name or delivery.webhook_id
    sentences = [
        f"Delivery {delivery.id} to {name} is {delivery.status}.",
        _STATUS_DESCRIPTIONS[delivery.status].format(when=when),
        f"Attempts so far: {delivery.attempts}.",
    ]
    if delivery.last_error is not None:
        sentences.append(f"Last error: {delivery.last_error.rstrip('.')}.")
    if delivery.status in ("held", "dead", "cancelled", "skipped"):
        sentences.append(_RETRY_HINT)
    return " ".join(sentences)
