"""The search for pages, and for objects by id or name."""

from __future__ import annotations

from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.navigation import pages_named
from rowhook.dashboard.pages import ContextDependency, Page, page, page_route
from rowhook.services.search import find_objects


@page_route("/search")
async def search(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Show what matches `q`: as a page, or as a fragment for the search dialog."""
    text = FormData.from_query(request).text("q") or ""
    return page(
        request,
        "_matches.html" if "hx-request" in request.headers else "search.html",
        text=text,
        matches=await find_objects(ctx, text),
        pages=pages_named(request.auth, text),
    )


HANDLERS = [search]
