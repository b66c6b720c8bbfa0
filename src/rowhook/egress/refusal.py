"""How a target is refused. No text here ever holds an address, a port or any part of the URL."""

from __future__ import annotations

import errno

FORBIDDEN = "This target is not allowed. See ROWHOOK_ALLOW_NETWORKS."


class TargetForbidden(ValueError):
    """A well-formed target that may not be called.

    Its text is always `FORBIDDEN`. `hint` is the exact settings line that would allow a local
    target, for the one who saves the webhook; it is never part of a delivery's error.
    """

    def __init__(self, hint: str | None = None) -> None:
        super().__init__(FORBIDDEN)
        self.hint = hint


class UrlRejected(ValueError):
    """A URL that is not an http(s) URL we can read in exactly one way; the text says why."""

    hint: str | None = None


class AddressForbidden(OSError):
    """The guard's answer to a dial; an OSError, as the dialler expects of an address that fails."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, FORBIDDEN)
