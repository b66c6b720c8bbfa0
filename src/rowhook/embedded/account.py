"""The operating system account of the server, and the folders that it can access.

PostgreSQL refuses to run as root. In that case an existing unprivileged account is used; no
account is created, and no mode of a parent folder is changed.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from rowhook.embedded.refusal import EmbeddedUnavailable

_CANDIDATES = ("rowhook", "postgres", "nobody")
_UNCHANGED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of the server. `uid` and `gid` are -1 for the account of this process."""

    uid: int = _UNCHANGED
    gid: int = _UNCHANGED
    name: str = ""

    @property
    def is_other(self) -> bool:
        """Whether the server runs as another account than this process."""
        return self.uid != _UNCHANGED

    def own(self, path: Path) -> None:
        """Makes the account the owner of `path`, with mode 0700."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o700)

    def may(self, path: Path, access: int) -> bool:
        """Whether the account has `access` (`os.R_OK`, `os.X_OK`) by the mode of `path`."""
        if not self.is_other:
            return os.access(path, access)
        status = path.stat()
        if status.st_uid == self.uid:
            return stat.S_IMODE(status.st_mode) >> 6 & access == access
        if status.st_gid == self.gid:
            return stat.S_IMODE(status.st_mode) >> 3 & access == access
        return stat.S_IMODE(status.st_mode) & access == access


def server_account() -> Account:
    """Returns the account of this process, or for root an existing unprivileged one.

    Raises EmbeddedUnavailable if there is none.
    """
    if os.geteuid() != 0:
        return Account()
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise EmbeddedUnavailable(
        "PostgreSQL does not run as root, and none of the accounts"
        f" {', '.join(_CANDIDATES)} exists. Add one, or run rowhook as an unprivileged user."
    )


def barrier(path: Path, account: Account) -> Path | None:
    """Returns the first folder on the way to `path` that the account cannot enter, or None."""
    if not account.is_other:
        return None
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        if folder.exists() and not account.may(folder, os.X_OK):
            return folder
    return None
