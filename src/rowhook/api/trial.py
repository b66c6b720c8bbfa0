"""Trying webhooks out: `…/test`, `…/preview`, `/v1/preview`."""

from __future__ import annotations

from uuid import UUID

from litestar import Router
from litestar.params import FromPath, JSONBody
from msgspec import field

from rowhook import operations
from rowhook.api.admission import owner
from rowhook.api.examples import trial as examples
from rowhook.api.parameters import TheCaller, TheOffice
from rowhook.api.route import acts
from rowhook.api.webhooks import WebhookDraft
from rowhook.operations import Preview, Sample, Trial


class PreviewDraft(WebhookDraft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook that is not saved, and in `sample` what to try it out with."""

    sample: Sample = field(default_factory=Sample)


@acts(
    "/webhooks/{webhook_id:uuid}/test", scope="write", body=Sample, may_be_empty=True,
    refuses=(429,), sends=examples.SAMPLE, gets=examples.TRIAL,
)  # fmt: skip
async def send_test(
    webhook_id: FromPath[UUID], office: TheOffice, data: JSONBody[Sample | None] = None
) -> Trial:
    """Sends a test now, with the worker's own rendering, signature and guard. No delivery is made.

    Without an agent or a goal it is a sample job. What `data` and `context` leave out is made up,
    so that the templates find what they need.
    """
    return await operations.test_webhook(office, webhook_id, data or Sample())


@acts(
    "/webhooks/{webhook_id:uuid}/preview", scope="write", body=Sample, may_be_empty=True,
    sends=examples.SAMPLE, gets=examples.PREVIEW,
)  # fmt: skip
async def preview_webhook(
    webhook_id: FromPath[UUID], office: TheOffice, data: JSONBody[Sample | None] = None
) -> Preview:
    """Renders and validates what would be sent, and sends nothing."""
    return await operations.preview_webhook(office, webhook_id, data or Sample())


@acts(
    "/preview", scope="write", body=PreviewDraft, sends=examples.PREVIEW_DRAFT,
    gets=examples.PREVIEW,
)  # fmt: skip
async def preview_draft(
    data: JSONBody[PreviewDraft], office: TheOffice, caller: TheCaller
) -> Preview:
    """The same for a webhook that is not saved: its faults are those of a save."""
    organization = owner(caller, data.organization_id)
    return await operations.preview_draft(office, organization, data, data.sample)


def router() -> Router:
    """All calls of this noun."""
    return Router(
        path="/",
        tags=["Trying out"],
        route_handlers=[send_test, preview_webhook, preview_draft],
    )
