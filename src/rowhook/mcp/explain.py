"""What became of a delivery, in words that an agent can act on."""

from __future__ import annotations

from rowhook.operations.documents import DeliveryWithAttempts, Status

_MEANINGS: dict[Status, str] = {
    "pending": "It waits, and is sent {when}.",
    "sending": "A worker is sending it now.",
    "held": "It was not sent: the output could not be made from the data, or breaks its schema."
    " It goes by itself when the webhook or a secret is mended.",
    "delivered": "The receiver took it.",
    "dead": "It is given up: every attempt failed, or the receiver said that it is gone.",
    "cancelled": "It was stopped by an operator, or its webhook was deleted.",
    "skipped": "It was not meant to be sent: its condition was false, or its webhook is disabled.",
}
_AGAIN = "retry_delivery sends it again, with the same Idempotency-Key."


def explanation(delivery: DeliveryWithAttempts) -> str:
    """A few sentences: state, what was tried, what to do."""
    when = "now" if delivery.next_attempt_at is None else f"at {delivery.next_attempt_at}"
    name = delivery.webhook_name or delivery.webhook_id
    said = [
        f"Delivery {delivery.id} to {name} is {delivery.status}.",
        _MEANINGS[delivery.status].format(when=when),
        f"{delivery.attempts} attempts were made.",
    ]
    if delivery.last_error is not None:
        said.append(f"The last one: {delivery.last_error}.")
    if delivery.status in ("held", "dead", "cancelled", "skipped"):
        said.append(_AGAIN)
    return " ".join(said)
