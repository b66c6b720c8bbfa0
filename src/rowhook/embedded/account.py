"""Who runs the server, and which folders that account can get into.

Postgres refuses to run as root: then an account that is there already is taken. None is made,
and no parent's mode is changed.
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
    """The account of the server. `uid` and `gid` are -1 if it is the one that we run as."""

    uid: int = _UNCHANGED
    gid: int = _UNCHANGED
    name: str = ""

    @property
    def second(self) -> bool:
        """Whether the server runs as somebody else than we do."""
        return self.uid != _UNCHANGED

    def own(self, path: Path) -> None:
        """Makes `path` the account's alone (0700)."""
        if self.second:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o700)

    def may(self, path: Path, wanted: int) -> bool:
        """Whether the mode of `path` allows `wanted` (`os.R_OK`, `os.X_OK`) to the account."""
        if not self.second:
            return os.access(path, wanted)
        found = path.stat()
        if found.st_uid == self.uid:
            return stat.S_IMODE(found.st_mode) >> 6 & wanted == wanted
        if found.st_gid == self.gid:
            return stat.S_IMODE(found.st_mode) >> 3 & wanted == wanted
        return stat.S_IMODE(found.st_mode) & wanted == wanted


def server_account() -> Account:
    """The account to run the server as: our own, or as root an unprivileged one that exists.

    Raises EmbeddedUnavailable if root finds none.
    """
    if os.geteuid() != 0:
        return Account()
    for name in _CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=found.pw_uid, gid=found.pw_gid, name=name)
    raise EmbeddedUnavailable(
        "Postgres does not run as root, and there is no account"
        f" {' or '.join(_CANDIDATES)} to run it as: add one, or run rowhook as a plain user"
    )


def barrier(path: Path, account: Account) -> Path | None:
    """The first existing folder on the way into `path` that shuts the account out, if any."""
    if not account.second:
        return None
    whole = path.resolve()
    for folder in (*reversed(whole.parents), whole):
        if folder.exists() and not account.may(folder, os.X_OK):
            return folder
    return None
