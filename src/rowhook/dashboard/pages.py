"""Pages with their navigation, redirects with a flash message, and the declaration of routes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Redirect

from rowhook.dashboard import code_snippets, display_format, editor_form
from rowhook.dashboard.browser_session import Session, SessionRequest, local_path
from rowhook.dashboard.display_format import excerpt, goal_path, indented
from rowhook.dashboard.editor_hints import locate_faults
from rowhook.dashboard.live_updates import OwnedStreams
from rowhook.dashboard.portal_frame import (
    NO_ANCESTORS,
    frame_ancestors,
    image_source,
    portal_colors,
    return_host,
)
from rowhook.output_kinds import OUTPUT_KINDS
from rowhook.server_sent_events import MEDIA_TYPE
from rowhook.services.access import NotAuthenticated
from rowhook.services.context import KeyringContext
from rowhook.services.deliveries import MAX_COUNTED
from rowhook.services.lookups import MAX_NAMES, MAX_NAVIGATION_COUNT, Kind, Match, NavigationCounts
from rowhook.services.portal import Portal

# A path of this site in an attribute. In texts and values, quotes are escaped.
_PATH = re.compile(
    r"""(\s(?:href|action|formaction|hx-get|hx-post|sse-connect)=")/(?!/|db/|static/)"""
)
STATIC = Path(__file__).parent / "static"
Page = Response[str]
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
Handler = Callable[..., Any]
ContextDependency = NamedDependency[SkipValidation[KeyringContext]]
StreamsDependency = NamedDependency[SkipValidation[OwnedStreams]]
_CODE = re.compile(r"(?P<name>[a-z_]+)(?:-(?P<count>\d{1,9})(?:-of-(?P<of>\d{1,9}))?)?")
# Not part of a portal.
SYSTEM_PATH = "/system"
_TARGETS: dict[Kind, Callable[[Match], str]] = {
    "webhook": lambda match: f"/webhooks/{match.id}",
    "delivery": lambda match: f"/deliveries/{match.id}",
    "goal": lambda match: goal_path(match.id),
    "agent": lambda match: f"/links?kind=agent&search={quote(match.id, safe='')}",
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rowhook.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= display_format.FILTERS | display_format.COUNT_FILTERS
    environment.filters |= {
        "excerpt": excerpt,
        "indented": indented,
        "locate_faults": locate_faults,
        "plain": editor_form.format_number,
        "portal_colors": portal_colors,
        "return_host": return_host,
        "schedule": editor_form.format_schedule,
    }
    environment.globals |= {
        "static": static,
        "navigation": NAVIGATION,
        "count_beside": count_beside,
        "current_entry": current_entry,
        "target_of": target_of,
        "most_names": MAX_NAMES,
        "most_counted": MAX_COUNTED,
        "output_kinds": OUTPUT_KINDS,
        "number_fields": editor_form.NUMBER_FIELDS,
        "switch_fields": editor_form.SWITCH_FIELDS,
    }
    return environment


@cache
def static(name: str) -> str:
    """The path of a static file with a digest of its content, so that it can be cached forever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _content_security_policy(nonce: str, ancestors: str, portal: Portal | None) -> str:
    """Allows only Rowhook's own files, style elements by their nonce, and the logo of a portal."""
    return (
        "default-src 'none'; script-src 'self'; connect-src 'self';"
        f" img-src 'self' data:{image_source(portal)};"
        f" font-src 'self'; style-src 'self' 'nonce-{nonce}'; form-action 'self';"
        f" base-uri 'none'; frame-ancestors {ancestors}"
    )


def fragment(request: Request[Any, Any, Any], name: str, **context: Any) -> str:
    """Renders a fragment of a page."""
    session: Session | None = request.scope.get("auth")
    return _render(request, name, session.portal if session else None, context)


def _render(
    request: Request[Any, Any, Any], name: str, portal: Portal | None, context: dict[str, Any]
) -> str:
    session: Session | None = request.scope.get("auth")
    organization = session.selected_organization_id if session else None
    prefix = str(request.scope.get("rowhook_prefix", ""))
    html = (
        _environment()
        .get_template(name)
        .render(
            session=session,
            portal=portal,
            path=request.url.path,
            base=str(request.base_url).rstrip("/") + prefix,
            databases=request.scope.get("rowhook_databases"),
            database=prefix.rpartition("/")[2],
            curl=partial(code_snippets.curl, organization=organization),
            **context,
        )
    )
    return _PATH.sub(rf"\1{prefix}/", html) if prefix else html


def page(request: Request[Any, Any, Any], name: str, *, status: int = 200, **context: Any) -> Page:
    """Renders a whole page. All values are escaped."""
    session: Session | None = request.scope.get("auth")
    portal = session.portal if session else None
    ancestors = frame_ancestors(request) if portal else NO_ANCESTORS
    return _respond(request, name, status, ancestors, portal, context)


def portal_page(
    request: Request[Any, Any, Any],
    name: str,
    portal: Portal | None = None,
    *,
    status: int = 200,
    **context: Any,
) -> Page:
    """Renders a page of a portal without a session, which may be framed, too."""
    return _respond(request, name, status, frame_ancestors(request), portal, context)


def portal_ended_page(request: Request[Any, Any, Any], error: NotAuthenticated) -> Page:
    """Renders the page that says why a portal cannot be opened, or has ended."""
    return portal_page(request, "portal_ended.html", status=401, message=str(error))


def _respond(
    request: Request[Any, Any, Any],
    name: str,
    status: int,
    ancestors: str,
    portal: Portal | None,
    context: dict[str, Any],
) -> Page:
    nonce = secrets.token_urlsafe(16)
    policy = _content_security_policy(nonce, ancestors, portal)
    headers = _HEADERS | {"Content-Security-Policy": policy}
    if ancestors == NO_ANCESTORS:
        headers["X-Frame-Options"] = "DENY"
    html = _render(request, name, portal, context | {"nonce": nonce})
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=headers)


def redirect(path: str) -> Redirect:
    """Redirects with a GET after a form, so that reloading does not post the form again."""
    return Redirect(path, status_code=303)


def page_route(path: str, *, scope: str = "read", **options: Any) -> Callable[[Handler], Any]:
    """Routes a GET that returns a page."""
    return get(
        path,
        scope=scope,
        shows_navigation=True,
        media_type=MediaType.HTML,
        include_in_schema=False,
        **options,
    )


def stream_route(path: str, *, scope: str = "read", **options: Any) -> Callable[[Handler], Any]:
    """Routes a GET that returns an event stream of page fragments."""
    return get(
        path,
        scope=scope,
        is_stream=True,
        media_type=MEDIA_TYPE,
        include_in_schema=False,
        **options,
    )


def form_route(path: str, *, scope: str, **options: Any) -> Callable[[Handler], Any]:
    """Routes the POST of a form, which must carry the session's CSRF token."""
    return post(
        path,
        scope=scope,
        shows_navigation=True,
        status_code=200,
        media_type=MediaType.HTML,
        include_in_schema=False,
        **options,
    )


def current_address(request: SessionRequest) -> str:
    """The path and query of this page, without its flash message, as the target of its forms."""
    query = urlencode(_without_flash(request.url.query))
    return f"{request.url.path}?{query}" if query else request.url.path


def redirect_back(
    address: str | None, name: str, count: int | None = None, of: int | None = None
) -> Redirect:
    """Redirects to the page of the form, with the flash message `name` for `count` of `of` items.

    If `count` is less than `of`, the message is the one named with the suffix `_some`.
    """
    parts = urlsplit(local_path(address))
    code = name if count is None else f"{name}-{count}"
    if of is not None:
        code = f"{name}{'' if count == of else '_some'}-{count}-of-{of}"
    query = urlencode([*_without_flash(parts.query), ("done", code)])
    return redirect(f"{parts.path}?{query}")


def flash_message(code: str | None, messages: Mapping[str, str]) -> str | None:
    """The message of a code, with its numbers in place of `{}`; None for an unknown code."""
    match = _CODE.fullmatch(code or "")
    if match is None or match["name"] not in messages:
        return None
    numbers = (f"{int(number):,}" if number else "" for number in match.group("count", "of"))
    return messages[match["name"]].format(*numbers)


def _without_flash(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(query) if name != "done"]


class Entry(NamedTuple):
    """A page of the navigation; `icon` names a path of `_icons.html`."""

    path: str
    title: str
    icon: str
    scope: str = "read"


NAVIGATION = (
    (
        Entry("/", "Overview", "overview"),
        Entry("/webhooks", "Webhooks", "webhooks"),
        Entry("/links", "Links", "links"),
        Entry("/goals", "Agent view", "goals"),
    ),
    (
        Entry("/deliveries", "Deliveries", "deliveries"),
        Entry("/held", "Held", "held"),
        Entry("/failures", "Failures", "failures"),
        Entry("/replay", "Replay", "replay", "replay"),
        Entry("/alerts", "Alerts", "alerts"),
    ),
    (
        Entry("/secrets", "Secrets", "secrets"),
        Entry("/keys", "API keys", "keys", "admin"),
        Entry("/audit", "Audit", "audit", "admin"),
        Entry("/quotas", "Quotas", "quotas"),
        Entry(SYSTEM_PATH, "System", "system"),
    ),
)
_OTHER_PAGES = (Entry("/webhooks/new", "New webhook", "webhooks", "write"),)
_ORGANIZATIONS = Entry("/organizations", "Organizations", "system")


def current_entry(path: str) -> str:
    """The path of the entry that a page belongs to."""
    return f"/{path.split('/')[1]}"


def count_beside(path: str, counts: NavigationCounts | None) -> str:
    """The count beside an entry: empty if there is none, or nothing to count."""
    if counts is None:
        return ""
    waiting = counts.deliveries.by_status
    numbers = {
        "/webhooks": counts.webhooks,
        "/deliveries": waiting.get("pending", 0) + waiting.get("sending", 0),
        "/held": waiting.get("held", 0),
    }
    number = numbers.get(path, 0)
    if number >= MAX_NAVIGATION_COUNT:
        return f"{MAX_NAVIGATION_COUNT - 1}+"
    return str(number) if number else ""


def pages_named(session: Session, text: str) -> list[Entry]:
    """The pages that the session may open and whose title contains the text."""
    entries = [entry for group in NAVIGATION for entry in group] + [*_OTHER_PAGES]
    if session.is_operator:
        entries.append(_ORGANIZATIONS)
    return [
        entry
        for entry in entries
        if text.casefold() in entry.title.casefold()
        and session.has_scope(entry.scope)
        and not (session.portal and entry.path == SYSTEM_PATH)
    ]


def _deliveries_of(match: Match) -> str:
    if match.commit_id is not None:
        return f"/deliveries?{urlencode({'commit_id': match.commit_id})}"
    if match.job_id is not None:
        return f"/deliveries?{urlencode({'job_id': match.job_id})}"
    return f"/deliveries/{match.delivery_id}" if match.delivery_id is not None else "/deliveries"


def target_of(match: Match) -> str:
    """The page of an object. Commits, jobs, sessions and events lead to their deliveries."""
    return _TARGETS.get(match.kind, _deliveries_of)(match)
