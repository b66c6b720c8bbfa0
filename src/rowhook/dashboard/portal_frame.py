"""Portals in a frame: the cookie, headers and colors that allow it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.datastructures import Cookie

from rowhook.services.context import ServerContext
from rowhook.services.portal import Portal, PortalBrand

PORTAL_COOKIE = "rowhook_portal"
NO_ANCESTORS = "'none'"
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# The backgrounds of links in base.css.
_LIGHT_PAPER, _DARK_PAPER = (0xFF, 0xFF, 0xFF), (0x17, 0x1B, 0x21)
_BLACK, _WHITE = (0x10, 0x12, 0x16), (0xFF, 0xFF, 0xFF)
_READABLE = 4.5
_SHADES = 20
_Color = tuple[int, int, int]


class _PartitionedCookie(Cookie):
    """A separate cookie for each site that frames the portal (CHIPS)."""

    def to_header(self, **options: Any) -> str:
        """The header with an attribute that `http.cookies` lacks before Python 3.14."""
        return f"{super().to_header(**options)}; Partitioned"


def _portal_cookie(request: Request[Any, Any, Any], token: str, **options: Any) -> Cookie:
    """The cookie of a session: for cross-site use only in a frame, where there may be frames.

    Browsers accept Secure from localhost without TLS. The cookie has no maximum age, so that an
    ended session is reported as such.
    """
    url = request.url
    is_secure = url.scheme == "https" or url.hostname in _LOCAL_HOSTS
    is_framed = request.headers.get("sec-fetch-dest") in _FRAMES
    if is_secure and is_framed:
        return _PartitionedCookie(
            PORTAL_COOKIE, value=token, httponly=True, secure=True, samesite="none", **options
        )
    secure = url.scheme == "https"
    return Cookie(
        PORTAL_COOKIE, value=token, httponly=True, secure=secure, samesite="lax", **options
    )


def set_portal_cookie(request: Request[Any, Any, Any], response: Response[Any], token: str) -> None:
    """Signs the browser in to a portal."""
    response.set_cookie(_portal_cookie(request, token))


def delete_portal_cookie(request: Request[Any, Any, Any], response: Response[Any]) -> None:
    """Signs the browser out of a portal. The attributes must be those that it was set with."""
    if PORTAL_COOKIE in request.cookies:
        response.set_cookie(_portal_cookie(request, "", max_age=0, expires=0))


def frame_ancestors(request: Request[Any, Any, Any]) -> str:
    """The sources of the origins that may show a portal in a frame."""
    server_ctx: ServerContext = request.app.state.server_ctx
    return " ".join(server_ctx.portal_origins) or NO_ANCESTORS


def image_source(portal: Portal | None) -> str:
    """The source of the portal's logo, if it is not a data URL."""
    origin = portal.brand.logo_origin if portal else None
    return f" {origin}" if origin else ""


def return_host(portal: Portal) -> str:
    """The host that the link back leads to."""
    return urlsplit(portal.return_url or "").netloc


def portal_colors(brand: PortalBrand) -> dict[str, str]:
    """CSS variables for the colors of a brand, each with a readable one for text on it."""
    colors = {}
    if brand.accent_color:
        accent = _parse(brand.accent_color)
        light, dark = _shade(accent, _LIGHT_PAPER), _shade(accent, _DARK_PAPER)
        colors["--accent"] = f"light-dark({_format(light)}, {_format(dark)})"
        colors["--accent-ground"] = _format(accent)
        colors["--on-accent"] = _format(_text_on(accent))
    if brand.header_color:
        header = _parse(brand.header_color)
        colors["--portal-header"] = _format(header)
        colors["--portal-on-header"] = _format(_text_on(header))
    return colors


def _parse(text: str) -> _Color:
    digits = text[1:] if len(text) == len("#rrggbb") else "".join(2 * digit for digit in text[1:])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _format(color: _Color) -> str:
    return f"#{bytes(color).hex()}"


def _luminance(color: _Color) -> float:
    """The relative luminance of WCAG 2."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  # of sRGB
        for part in (value / 255 for value in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: _Color, other: _Color) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _text_on(ground: _Color) -> _Color:
    return max(_BLACK, _WHITE, key=lambda color: _contrast(color, ground))


def _shade(color: _Color, ground: _Color) -> _Color:
    """The color, mixed with black or white until it is readable on the ground."""
    target = _text_on(ground)
    for step in range(_SHADES + 1):
        share = step / _SHADES
        red, green, blue = (
            round(own + (other - own) * share) for own, other in zip(color, target, strict=True)
        )
        if _contrast((red, green, blue), ground) >= _READABLE:
            return red, green, blue
    return target
