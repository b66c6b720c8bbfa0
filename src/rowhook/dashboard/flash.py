"""Redirects after a form, with a flash message that the URL carries as a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar.response import Redirect

from rowhook.dashboard.browser_session import SessionRequest, local_path
from rowhook.dashboard.pages import redirect

_CODE = re.compile(r"(?P<name>[a-z_]+)(?:-(?P<count>\d{1,9})(?:-of-(?P<of>\d{1,9}))?)?")


def current_address(request: SessionRequest) -> str:
    """The path and query of this page, without its flash message, as the target of its forms."""
    query = urlencode(_without_flash(request.url.query))
    return f"{request.url.path}?{query}" if query else request.url.path


def redirect_back(
    address: str | None, name: str, count: int | None = None, of: int | None = None
) -> Redirect:
    """Redirect to the page of the form, with the flash message `name` for `count` of `of` items.

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
