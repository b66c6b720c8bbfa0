"""Makes the changes of a configuration plan, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from rowhook.db.statements import one_transaction
from rowhook.services.alerts import set_alert_thresholds
from rowhook.services.configuration_plan import Step
from rowhook.services.context import KeyringContext
from rowhook.services.links import (
    link_agent,
    link_goal,
    unlink_agent,
    unlink_all,
    unlink_goal,
)
from rowhook.services.webhook_documents import configuration_of
from rowhook.services.webhooks import change_webhook, create_webhook, delete_webhook, set_state


async def apply(ctx: KeyringContext, steps: Sequence[Step]) -> None:
    """Makes all changes or none.

    Raises RevisionConflict, Rejected or NotFound if the database was changed since the plan.
    """
    async with one_transaction(ctx.pool) as transaction:
        inside = replace(ctx, pool=transaction)
        created: dict[tuple[UUID, str], UUID] = {}
        for step in steps:
            if step.change.action == "keep":
                continue
            if step.thresholds is not None:
                await set_alert_thresholds(inside, step.organization, step.thresholds)
            elif step.change.object == "webhook":
                await _apply_webhook(inside, step, created)
            else:
                await _apply_link(inside, step, created)


async def _apply_webhook(
    ctx: KeyringContext, step: Step, created: dict[tuple[UUID, str], UUID]
) -> None:
    if step.desired is None:
        if step.present is not None:
            await unlink_all(ctx, step.present.id)
            await delete_webhook(ctx, step.present.id)
        return
    configuration = configuration_of(step.desired)
    if step.present is None:
        saved = await create_webhook(ctx, step.organization, configuration)
        created[step.organization, step.change.webhook] = saved.id
    else:
        saved = await change_webhook(
            ctx, step.present.id, configuration, expected_revision=step.present.revision
        )
    if any(change.field == "state" for change in step.change.fields) and step.desired.state:
        await set_state(ctx, saved.id, step.desired.state)


async def _apply_link(
    ctx: KeyringContext, step: Step, created: dict[tuple[UUID, str], UUID]
) -> None:
    webhook = step.present.id if step.present else created[step.organization, step.change.webhook]
    operations = {
        ("create", "agent"): link_agent,
        ("create", "goal"): link_goal,
        ("delete", "agent"): unlink_agent,
        ("delete", "goal"): unlink_goal,
    }
    await operations[step.change.action, step.change.object](ctx, webhook, step.change.id)
