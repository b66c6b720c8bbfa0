"""The result of one attempt, in the form of the argument of `rowhook.record`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Self, TypeVar
from uuid import UUID

import msgspec

from rowhook.delivery import Claim, Headers, Outcome, RedactedRequest

R = TypeVar("R", bound="Result")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One element of the argument of `rowhook.record`.

    The request is either `frame` and `sent`, the values for the frame, or the complete `request`.
    """

    outbox_id: int
    token: int
    revision: int
    secrets_version: int
    outcome: str
    started_at: datetime
    duration_ms: float
    rendered_ms: float | None = None
    validated_ms: float | None = None
    status_code: int | None = None
    error: str | None = None
    retry_after_s: float | None = None
    request: RedactedRequest | None = None
    frame: UUID | None = None
    sent: tuple[str, ...] | None = None
    response_headers: Headers | None = None
    response_body: str | None = None

    @classmethod
    def of(
        cls, claim: Claim, outcome: Outcome, started_at: datetime, *, stores_exchange: bool = True
    ) -> Self:
        """Return the result of an attempt that began at `started_at`."""
        framed_request = outcome.framed_request
        result = cls(
            outbox_id=claim.outbox_id,
            token=claim.token,
            revision=claim.revision,
            secrets_version=claim.secrets_version,
            outcome=outcome.verdict,
            started_at=started_at,
            duration_ms=outcome.duration_ms,
            rendered_ms=outcome.stages.rendered,
            validated_ms=outcome.stages.validated,
            status_code=outcome.status_code,
            error=outcome.error,
            retry_after_s=outcome.retry_after_s,
            request=outcome.redacted if framed_request is None else None,
            frame=None if framed_request is None else framed_request.frame.digest,
            sent=None if framed_request is None else framed_request.values,
            response_headers=outcome.headers or None,
            response_body=outcome.body,
        )
        return result if stores_exchange else _without_exchange(result)


def _without_exchange(result: R) -> R:
    return msgspec.structs.replace(
        result, request=None, frame=None, sent=None, response_headers=None, response_body=None
    )


def fallback_forms(result: Result) -> Iterator[Result]:
    """Yield the result, then without request and response, then without its error text too."""
    yield result
    bare = _without_exchange(result)
    yield bare
    if bare.error is not None:
        yield msgspec.structs.replace(bare, error="The text of this error cannot be stored.")
