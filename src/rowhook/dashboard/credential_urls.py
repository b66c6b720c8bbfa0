"""URLs that are credentials, such as those of incoming webhooks of chats, kept as secrets."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from rowhook.dashboard.browser_session import Session
from rowhook.dashboard.editor_form import Fields, draft_of
from rowhook.dashboard.form_fields import FormData
from rowhook.output_kinds import OUTPUT_KINDS
from rowhook.render.configuration import Fault
from rowhook.services import secrets
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.webhook_checks import check_for_save
from rowhook.services.webhook_documents import Webhook

_SERVICES = (
    ("Slack", r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/."),
    ("Discord", r"(?:[\w-]+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/."),
    ("Teams", r"[\w-]+\.webhook\.office(?:365)?\.com/."),
    ("Teams", r"outlook\.office(?:365)?\.com/webhook/."),
    ("Teams", r"[\w.-]+\.(?:logic\.azure|powerplatform)\.com(?::443)?/.*[?&]sig=."),
    ("Google Chat", r"chat\.googleapis\.com/v1/spaces/.*[?&]key=."),
    ("Zapier", r"hooks\.zapier\.com/hooks/."),
    ("Make", r"hook\.(?:[\w-]+\.)?(?:make|integromat)\.com/."),
    ("n8n", r"[^/]+/webhook(?:-test)?/[\da-f]{8}-[\da-f-]{27}"),
    ("Telegram", r"api\.telegram\.org/bot."),
    ("IFTTT", r"maker\.ifttt\.com/trigger/.*/key/."),
    ("Mattermost", r"[^/]+/hooks/[a-z\d]{26}"),
)
_PATTERNS = [(name, re.compile(rf"https?://{text}", re.IGNORECASE)) for name, text in _SERVICES]
_NAMED = re.compile(
    r"(?:.*[_-])?(?:token|key|apikey|secret|sig|signature|password|auth)", re.IGNORECASE
)
_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w-]{28,}")
_SHORTEST = 8
_MAX_TRIES = 20


class CredentialUrl(NamedTuple):
    """A URL that is a credential: the service, if known, the host, and an id for the secret."""

    service: str | None
    host: str
    secret_id: str


class Offer(NamedTuple):
    """The offer of a secret for a URL. `is_chosen` is whether a save stores the URL in it."""

    url: CredentialUrl
    secret_id: str
    is_chosen: bool


def credential_in(url: str) -> CredentialUrl | None:
    """Recognizes a URL whose path, query or user is a credential; None for a template."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    if "{" in url or parts.scheme not in ("http", "https") or not host:
        return None
    service = next((name for name, pattern in _PATTERNS if pattern.match(url.strip())), None)
    if service is None and not _has_credential(parts.password, parts.query, parts.path):
        return None
    name = re.sub(r"[^a-z\d]+", "-", (service or host).lower()).strip("-")
    return CredentialUrl(service, f"[{host}]" if ":" in host else host, f"{name[:100]}-url")


def _has_credential(password: str | None, query: str, path: str) -> bool:
    named = any(
        _NAMED.fullmatch(name) and len(value) >= _SHORTEST for name, value in parse_qsl(query)
    )
    return bool(password) or named or any(map(_RANDOM.fullmatch, path.split("/")))


async def offer_of(
    ctx: KeyringContext,
    organization: UUID | None,
    fields: Fields,
    form: FormData,
    present: Webhook | None,
) -> Offer | None:
    """The offer for the URL in the form; None if it is not a credential."""
    url = _credential(fields)
    if url is None:
        return None
    entered = form.text("url_secret_id")
    secret_id = entered or await _free_id(ctx, organization, url.secret_id)
    if form.flag("credential_seen"):
        return Offer(url, secret_id, form.flag("store_url"))
    return Offer(url, secret_id, not _is_saved(fields, present))


async def store_before_save(
    ctx: KeyringContext,
    session: Session,
    organization: UUID,
    fields: Fields,
    form: FormData,
    present: Webhook | None,
) -> Fields:
    """Stores the URL as a secret if the form requests it, and returns the fields with its name.

    Raises Rejected, without storing it, if the webhook has any fault, and if the form did not
    yet offer the choice.
    """
    url = _credential(fields)
    if url is None or (_is_saved(fields, present) and not form.flag("store_url")):
        return fields
    draft, faults = draft_of(fields)
    if not form.flag("credential_seen"):
        await check_for_save(ctx, organization, draft, (*faults, _unanswered(session, url)))
    if not form.flag("store_url"):
        return fields
    await check_for_save(ctx, organization, draft, faults)
    return await store_url(ctx, session, organization, fields, form)


async def store_url(
    ctx: KeyringContext, session: Session, organization: UUID, fields: Fields, form: FormData
) -> Fields:
    """Stores the URL as a new secret that only its host may receive. Raises Rejected."""
    url = _credential(fields)
    if url is None:
        return fields
    if not session.has_scope("secrets"):
        message = "Storing a secret requires an API key with the scope secrets."
        raise Rejected(Fault(pointer="/url_secret_id", message=message))
    name = form.text("url_secret_id") or await _free_id(ctx, organization, url.secret_id)
    if (await secrets.secret_hosts(ctx, organization, name))[0]:
        message = f"A secret with the id {name} exists. Choose another id."
        raise Rejected(Fault(pointer="/url_secret_id", message=message))
    try:
        await secrets.put_secret(ctx, organization, name, fields["url"].strip(), [url.host])
    except Rejected as error:
        message = error.faults[0].message
        raise Rejected(Fault(pointer="/url_secret_id", message=message)) from error
    return fields | {"url": f"{{{{secret:{name}}}}}"}


def _unanswered(session: Session, url: CredentialUrl) -> Fault:
    of = f" of {url.service}" if url.service else ""
    advice = (
        "Save again to store it as a secret, or clear the box to save it as it is."
        if session.has_scope("secrets")
        else "Save it as a secret with a key of the scope secrets, or save again to keep it."
    )
    return Fault(pointer="/url", message=f"This URL{of} contains a credential. {advice}")


def _credential(fields: Fields) -> CredentialUrl | None:
    kind = OUTPUT_KINDS.get(fields["kind"])
    return credential_in(fields["url"]) if kind is None or kind.has_url else None


def _is_saved(fields: Fields, present: Webhook | None) -> bool:
    return present is not None and fields["url"].strip() == present.url


async def _free_id(ctx: KeyringContext, organization: UUID | None, preferred: str) -> str:
    """The preferred id, or with the first number that no secret has."""
    if organization is None:
        return preferred
    for name in (preferred, *(f"{preferred}-{number}" for number in range(2, _MAX_TRIES))):
        if not (await secrets.secret_hosts(ctx, organization, name))[0]:
            return name
    return preferred
