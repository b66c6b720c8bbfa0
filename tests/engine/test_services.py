"""The services with a real PostgreSQL: save, seal, link, and errors."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec import UNSET

from rowhook.db import webhook_queries
from rowhook.db.connection_pool import Pool
from rowhook.egress.policy import EgressPolicy
from rowhook.model import Outcome
from rowhook.render.configuration import Configuration
from rowhook.render.renderer import Renderer
from rowhook.render.webhook_compiler import Webhook
from rowhook.security.vault import DecryptionFailed, Keyring, generate_master_key, signing_name
from rowhook.services import links, secrets, webhooks
from rowhook.services.context import KeyringContext, NotFound, Rejected
from rowhook.services.webhook_cache import WebhookCache
from rowhook.services.webhook_documents import WebhookPatch
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio
GIVEN = Configuration(name="CRM", url="https://crm.example.com/hook")
KEYED = Configuration(
    name="CRM", url="https://crm.example.com/hook", headers={"X-Key": "{{secret:crm}}"}
)


@pytest.fixture
def ctx(pool: Pool) -> KeyringContext:
    keyring = Keyring(generate_master_key())
    keyring_context = KeyringContext(
        pool=pool,
        keyring=keyring,
        policy=EgressPolicy(),
        renderer=Renderer(EgressPolicy()),
        brand="Roxels",
    )
    return keyring_context.for_actor(pool, None, "an operator")


async def other_organization(platform: Platform) -> UUID:
    other = uuid4()
    await platform.run("insert into rowhook.organization values (%s, 'Other')", other)
    return other


async def load_webhook(ctx: KeyringContext, webhook: UUID, revision: int = 1) -> Webhook | Outcome:
    cache = WebhookCache(ctx.pool, ctx.keyring, brand="Roxels")
    return await cache.get(webhook, revision, 0)


async def test_a_new_webhook_has_a_signing_secret_that_opens(
    ctx: KeyringContext, platform: Platform
) -> None:
    saved = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    assert saved.revision == 1
    assert (saved.signing_secret or "").startswith("whsec_")
    (secrets,) = await webhook_queries.secrets_of(ctx.pool, saved.id)
    opened = ctx.keyring.open(
        secrets.sealed,
        organization_id=platform.organization,
        name=signing_name(saved.id),
        version=1,
    )
    assert opened == saved.signing_secret


async def test_two_webhooks_never_share_a_signing_secret(
    ctx: KeyringContext, platform: Platform
) -> None:
    first = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    other = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    assert first.id != other.id
    assert first.signing_secret != other.signing_secret


async def test_a_change_is_a_new_revision_and_shows_no_secret(
    ctx: KeyringContext, platform: Platform
) -> None:
    saved = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    changed = Configuration(name="CRM 2", url=GIVEN.url, headers={"Webhook-Id": "mine"})
    again = await webhooks.change_webhook(ctx, saved.id, changed)
    assert (again.id, again.revision, again.signing_secret) == (saved.id, 2, UNSET)
    assert len(again.warnings) == 1
    first, second = [await load_webhook(ctx, saved.id, revision) for revision in (1, 2)]
    assert isinstance(first, Webhook)
    assert isinstance(second, Webhook)
    assert (first.name, second.name) == ("CRM", "CRM 2")


async def test_a_save_reports_parts_that_never_work_and_parts_that_may_not(
    ctx: KeyringContext, platform: Platform
) -> None:
    loop = "[{% for i in data.l %}{{ i.q }},{% endfor %}0]"
    saved = await webhooks.create_webhook(
        ctx, platform.organization, msgspec.structs.replace(GIVEN, body_template=loop)
    )
    assert saved.warnings == []
    comma = loop.replace("0]", "]")
    patch = msgspec.convert({"body_template": comma}, WebhookPatch)
    changed = await webhooks.patch_webhook(ctx, saved.id, patch)
    (warning,) = changed.warnings
    assert (warning.pointer, warning.line) == ("/body_template", 1)
    assert "If data.l has several items, the body is not JSON" in warning.message
    never = msgspec.structs.replace(
        GIVEN, name="", body_template="{'a': 1}", condition="agent.nmae == 'x'"
    )
    with pytest.raises(Rejected) as refused:
        await webhooks.create_webhook(ctx, platform.organization, never)
    pointers = {fault.pointer: fault.line for fault in refused.value.faults}
    assert pointers == {"/name": None, "/body_template": 1, "/condition": 1}


async def test_a_webhook_with_faults_leaves_no_trace(
    ctx: KeyringContext, platform: Platform
) -> None:
    with pytest.raises(Rejected):
        await webhooks.create_webhook(
            ctx, platform.organization, Configuration(name="", url="https://10.0.0.1/")
        )
    assert await platform.value("select count(*) from rowhook.webhook") == 0


async def test_an_organization_that_does_not_exist_has_no_webhooks(
    ctx: KeyringContext, platform: Platform
) -> None:
    with pytest.raises(NotFound):
        await webhooks.create_webhook(ctx, uuid4(), GIVEN)
    assert await platform.value("select count(*) from rowhook.webhook") == 0


async def test_a_secret_that_does_not_exist_is_refused_when_it_is_named(
    ctx: KeyringContext, platform: Platform
) -> None:
    with pytest.raises(Rejected, match=r"Secret crm does not exist\. Save it"):
        await webhooks.create_webhook(ctx, platform.organization, KEYED)
    await secrets.put_secret(ctx, platform.organization, "crm", "canary-1")
    saved = await webhooks.create_webhook(ctx, platform.organization, KEYED)
    webhook = await load_webhook(ctx, saved.id)
    assert isinstance(webhook, Webhook)
    assert webhook.secrets == {"crm": "canary-1"}


async def test_another_organization_s_secret_is_one_that_does_not_exist(
    ctx: KeyringContext, platform: Platform
) -> None:
    await secrets.put_secret(ctx, await other_organization(platform), "crm", "canary-1")
    with pytest.raises(Rejected, match="Secret crm does not exist"):
        await webhooks.create_webhook(ctx, platform.organization, KEYED)


async def test_a_secret_bound_to_other_hosts_is_refused_with_them(
    ctx: KeyringContext, platform: Platform
) -> None:
    await secrets.put_secret(ctx, platform.organization, "crm", "canary-1", ["api.example.com"])
    with pytest.raises(Rejected) as refused:
        await webhooks.create_webhook(ctx, platform.organization, KEYED)
    (fault,) = refused.value.faults
    assert fault.pointer == "/url"
    assert fault.message == "Secret crm may only be sent to its allowed hosts: api.example.com."
    await secrets.put_secret(ctx, platform.organization, "crm", "canary-1", ["crm.example.com"])
    await webhooks.create_webhook(ctx, platform.organization, KEYED)


async def test_a_secret_is_replaced_under_its_next_version(
    ctx: KeyringContext, platform: Platform
) -> None:
    organization = platform.organization
    assert await secrets.put_secret(ctx, organization, "crm", "canary-1") == 1
    assert await secrets.put_secret(ctx, organization, "crm", "canary-2") == 2
    saved = await webhooks.create_webhook(ctx, organization, KEYED)
    webhook = await load_webhook(ctx, saved.id)
    assert isinstance(webhook, Webhook)
    assert webhook.secrets == {"crm": "canary-2"}


async def test_sealed_bytes_hold_no_secret_and_open_in_their_row_alone(
    ctx: KeyringContext, platform: Platform
) -> None:
    await secrets.put_secret(ctx, platform.organization, "crm", "canary-1")
    saved = await webhooks.create_webhook(ctx, platform.organization, KEYED)
    secret_row = next(
        secret
        for secret in await webhook_queries.secrets_of(ctx.pool, saved.id)
        if not secret.signing
    )
    assert b"canary" not in secret_row.sealed
    for organization, name, version in (
        (uuid4(), "crm", 1),
        (platform.organization, "erp", 1),
        (platform.organization, "crm", 2),
    ):
        with pytest.raises(DecryptionFailed):
            ctx.keyring.open(
                secret_row.sealed, organization_id=organization, name=name, version=version
            )


async def test_under_another_keyring_a_webhook_is_an_outcome_that_says_so(
    ctx: KeyringContext, platform: Platform
) -> None:
    saved = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    stranger = WebhookCache(ctx.pool, Keyring(generate_master_key()), brand="Roxels")
    outcome = await stranger.get(saved.id, 1, 0)
    assert isinstance(outcome, Outcome)
    assert "A secret cannot be decrypted" in (outcome.error or "")


@pytest.mark.parametrize(("overlap_s", "live"), [(3600, 2), (0, 1)])
async def test_a_rotation_makes_a_new_secret_and_keeps_the_old_for_the_overlap(
    ctx: KeyringContext, platform: Platform, overlap_s: int, live: int
) -> None:
    saved = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    rotated = await webhooks.rotate_signing_secret(ctx, saved.id, timedelta(seconds=overlap_s))
    newer = rotated.signing_secret
    assert newer != saved.signing_secret
    secrets = await webhook_queries.secrets_of(ctx.pool, saved.id)
    assert [secret.version for secret in secrets] == [2, 1][:live]
    opened = [
        ctx.keyring.open(
            secret.sealed,
            organization_id=platform.organization,
            name=signing_name(saved.id),
            version=secret.version,
        )
        for secret in secrets
    ]
    assert opened == [newer, saved.signing_secret][:live]


async def test_another_organization_s_webhook_is_one_that_does_not_exist(
    ctx: KeyringContext, platform: Platform, pool: Pool
) -> None:
    await secrets.put_secret(ctx, platform.organization, "crm", "canary-1")
    saved = await webhooks.create_webhook(ctx, platform.organization, KEYED)
    stranger = ctx.for_actor(pool, await other_organization(platform), "stranger")
    with pytest.raises(NotFound, match=f"Webhook {saved.id}"):
        await webhooks.change_webhook(stranger, saved.id, GIVEN)
    with pytest.raises(NotFound, match=f"Webhook {saved.id}"):
        await webhooks.rotate_signing_secret(stranger, saved.id, timedelta(0))
    assert await platform.value("select max(revision) from rowhook.webhook_revision") == 1
    stored_secrets = await webhook_queries.secrets_of(ctx.pool, saved.id)
    assert [(secret.id, secret.version) for secret in stored_secrets] == [(None, 1), ("crm", 1)]


async def test_a_webhook_that_was_never_saved_cannot_be_changed(
    ctx: KeyringContext, platform: Platform
) -> None:
    with pytest.raises(NotFound):
        await webhooks.change_webhook(ctx, uuid4(), GIVEN)
    assert await platform.value("select count(*) from rowhook.webhook") == 0


async def test_a_link_is_made_once_and_only_inside_an_organization(
    ctx: KeyringContext, platform: Platform
) -> None:
    saved = await webhooks.create_webhook(ctx, platform.organization, GIVEN)
    for _ in range(2):
        await links.link_agent(ctx, saved.id, platform.agent)
        await links.link_goal(ctx, saved.id, platform.goal)
    assert await platform.value("select count(*) from rowhook.link") == 2
    foreign = await other_platform(platform)
    with pytest.raises(NotFound, match=f"Agent {foreign.agent}"):
        await links.link_agent(ctx, saved.id, foreign.agent)
    with pytest.raises(NotFound, match=f"Goal {foreign.goal}"):
        await links.link_goal(ctx, saved.id, foreign.goal)
    with pytest.raises(NotFound):
        await links.link_goal(ctx, uuid4(), platform.goal)
