"""The navigation: the pages of a session, the counts beside them, and the target of a match."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode

from rowhook.dashboard.browser_session import Session
from rowhook.dashboard.display_format import goal_path
from rowhook.services.lookups import MAX_NAVIGATION_COUNT, Kind, Match, NavigationCounts


class Entry(NamedTuple):
    """A page of the navigation; `icon` names a path of `_icons.html`."""

    path: str
    title: str
    icon: str
    scope: str = "read"


# Not part of a portal.
SYSTEM_PATH = "/system"
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


_TARGETS: dict[Kind, Callable[[Match], str]] = {
    "webhook": lambda match: f"/webhooks/{match.id}",
    "delivery": lambda match: f"/deliveries/{match.id}",
    "goal": lambda match: goal_path(match.id),
    "agent": lambda match: f"/links?kind=agent&search={quote(match.id, safe='')}",
}


def target_of(match: Match) -> str:
    """The page of an object. Commits, jobs, sessions and events lead to their deliveries."""
    return _TARGETS.get(match.kind, _deliveries_of)(match)
