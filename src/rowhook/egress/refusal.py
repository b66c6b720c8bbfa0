"""The errors of rejected targets. Their texts contain no address, port or part of the URL."""

from __future__ import annotations

import errno

FORBIDDEN = "This target is not allowed. See ROWHOOK_ALLOW_NETWORKS."


class TargetForbidden(ValueError):
    """A target is not allowed. The text is always `FORBIDDEN`.

    `hint` is the setting that would allow a local target. It is shown when a webhook is saved, but
    never in the error of a delivery.
    """

    def __init__(self, hint: str | None = None) -> None:
        super().__init__(FORBIDDEN)
        self.hint = hint


class UrlRejected(ValueError):
    """A URL is not a valid, unambiguous http(s) URL."""

    hint: str | None = None


class AddressForbidden(OSError):
    """An address is not allowed; an OSError, as aiohttp expects of a failed address."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, FORBIDDEN)
