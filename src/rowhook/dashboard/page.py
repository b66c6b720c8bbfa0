"""A page: a template filled with what operations say, under a policy that runs our files alone."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.response import Redirect

from rowhook.dashboard import asked, shown, tallied
from rowhook.dashboard.editing import schedule
from rowhook.dashboard.editing.placing import placed
from rowhook.dashboard.excerpt import excerpt, indented
from rowhook.dashboard.visit import Visit
from rowhook.operations import MAX_COUNTED, MAX_NAMES

STATIC = Path(__file__).parent / "static"
Page = Response[str]
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("rowhook.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= shown.FILTERS | tallied.FILTERS
    made.filters |= {
        "excerpt": excerpt,
        "indented": indented,
        "placed": placed,
        "plain": schedule.plain,
        "schedule": schedule.written,
    }
    made.globals |= {"static": static, "most_names": MAX_NAMES, "most_counted": MAX_COUNTED}
    return made


@cache
def static(name: str) -> str:
    """The path of a file of ours, which changes with its content: it may be kept for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _policy(nonce: str) -> str:
    """What the browser may run and load: our files, and the editor's own style element."""
    return (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
        f" font-src 'self'; style-src 'self' 'nonce-{nonce}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )


def fragment(request: Request[Any, Any, Any], name: str, **given: Any) -> str:
    """A piece of a page, as it is sent to a page that is open."""
    visit: Visit | None = request.scope.get("auth")
    return (
        _environment()
        .get_template(name)
        .render(
            visit=visit,
            path=request.url.path,
            base=str(request.base_url).rstrip("/"),
            curl=partial(asked.curl, organization=visit.chosen_id if visit else None),
            **given,
        )
    )


def page(request: Request[Any, Any, Any], name: str, *, status: int = 200, **given: Any) -> Page:
    """A whole page. What it says is foreign text: it is escaped wherever it stands."""
    nonce = secrets.token_urlsafe(16)
    html = fragment(request, name, nonce=nonce, **given)
    headers = _HEADERS | {"Content-Security-Policy": _policy(nonce)}
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=headers)


def go(path: str) -> Redirect:
    """On to another page after a form, so that loading it again sends nothing again."""
    return Redirect(path, status_code=303)
