"""The result of one try, as `rowhook.record` takes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Self, TypeVar
from uuid import UUID

import msgspec

from rowhook.delivery import Claim, Headers, Outcome, Shown

R = TypeVar("R", bound="Result")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One row for `rowhook.record`.

    `frame` and `sent` are the request where it has a frame, else `request` is the whole of it.
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
    request: Shown | None = None
    frame: UUID | None = None
    sent: tuple[str, ...] | None = None
    response_headers: Headers | None = None
    response_body: str | None = None

    @classmethod
    def of(
        cls, claim: Claim, outcome: Outcome, started_at: datetime, *, stores_exchange: bool = True
    ) -> Self:
        """The result of one try, which began at `started_at`."""
        framed = outcome.framed
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
            request=outcome.shown if framed is None else None,
            frame=None if framed is None else framed.frame.digest,
            sent=None if framed is None else framed.values,
            response_headers=outcome.headers or None,
            response_body=outcome.body,
        )
        return result if stores_exchange else _without_exchange(result)


def _without_exchange(result: R) -> R:
    return msgspec.structs.replace(
        result, request=None, frame=None, sent=None, response_headers=None, response_body=None
    )


def forms(result: Result) -> Iterator[Result]:
    """The result, the same without what was exchanged, and the verdict alone."""
    yield result
    bare = _without_exchange(result)
    yield bare
    if bare.error is not None:
        yield msgspec.structs.replace(bare, error="The text of this error cannot be stored.")
