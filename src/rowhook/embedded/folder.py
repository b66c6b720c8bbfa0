"""Which folders and files a cluster has. Decides where they go; reading an answer creates nothing.

`data_dir/embedded` always holds the locks and the log. The cluster and its socket are there too,
unless the server's account cannot get in or the path is too long for a socket: then a file there
names the other folder.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from rowhook.embedded.account import Account, barrier, server_account
from rowhook.embedded.refusal import INSTEAD, EmbeddedUnavailable, explained

_SOCKET = ".s.PGSQL.5432"
_LONGEST = 107  # sun_path of unix(7), less its final zero
_LIST = re.compile(r'[,"]|^@')  # libpq and unix_socket_directories take lists of hosts and folders
_KEPT = Path("/var/lib/rowhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The places of one cluster. `own` is in the data folder, `base` holds the cluster."""

    own: Path
    base: Path
    socket: Path

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self.base / "cluster"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.own / "server.log"

    @property
    def dsn(self) -> str:
        """The superuser's DSN over the socket; the folder's mode is its protection."""
        return f"postgresql:///rowhook?host={quote(str(self.socket), safe='/')}&user=rowhook"


def running_dsn(data_dir: Path) -> str | None:
    """The DSN that the embedded Postgres of `data_dir` has, or would have; starts nothing.

    None before the first start where only the start can tell: a path that is too long for a
    socket, or one that the server's account cannot get into.
    """
    own = _own(data_dir)
    try:
        folder = known(own)
        if folder.cluster.exists():
            return folder.dsn
        closed = barrier(_existing(own), server_account()) is not None
    except (OSError, EmbeddedUnavailable):
        return None
    return None if closed or not _fits(folder.socket) else folder.dsn


def _own(data_dir: Path) -> Path:
    return data_dir.expanduser().resolve() / "embedded"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def known(own: Path) -> Folder:
    """The folders as earlier starts wrote them down, else the usual ones."""
    base = _noted(own / "elsewhere") or own
    return Folder(own=own, base=base, socket=_noted(own / "socket_folder") or base / "socket")


def _noted(note: Path) -> Path | None:
    try:
        return Path(note.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _note(note: Path, path: Path) -> None:
    part = note.with_suffix(".part")
    part.write_text(str(path), encoding="utf-8")
    part.replace(note)


def open_own(data_dir: Path, account: Account) -> Path:
    """Makes `data_dir` and its part of ours. Changes the mode of nothing that was in use before."""
    own = _own(data_dir)
    with explained(data_dir):
        fresh = not own.parent.exists() or not any(own.parent.iterdir())
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        own.mkdir(mode=0o700, exist_ok=True)
        if barrier(own.parents[1], account) is None:
            for ours in (own.parent, own) if fresh else (own,):
                _let_through(ours, account)
        if not os.access(own, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(own))
    return own


def _let_through(path: Path, account: Account) -> None:
    """Lets the server's group pass, and not list; the folder stays root's."""
    if account.second and not account.may(path, os.X_OK):
        os.chown(path, -1, account.gid)
        path.chmod(0o710)


def prepare(own: Path, account: Account) -> Folder:
    """Decides where cluster and socket go, and makes the folders. Needs the owner's lock."""
    with explained(own):
        folder = known(own)
        if not folder.base.is_dir():
            (own / "elsewhere").unlink()
            folder = known(own)
        closed = barrier(folder.base, account)
        if closed is not None and folder.cluster.exists():
            raise EmbeddedUnavailable(
                f"the account {account.name} that runs Postgres cannot get into {closed}, on the"
                f" way to its cluster in {folder.cluster}: let it pass (chmod o+x), or {INSTEAD}"
            )
        if closed is not None:
            _note(own / "elsewhere", _elsewhere(own, account))
            folder = known(own)
        return _with_socket(folder, account)


def _elsewhere(own: Path, account: Account) -> Path:
    """A new folder of root's that the account can get into, outside the data folder."""
    name = sha256(bytes(own)).hexdigest()[:16]
    for parent in _roots(own):
        try:
            make_root_folder(parent)
            made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        except OSError:
            continue
        made.chmod(0o711)
        if barrier(made, account) is None:
            (made / "origin").write_text(str(own), encoding="utf-8")
            return made
        shutil.rmtree(made)
    raise EmbeddedUnavailable(
        f"the account {account.name} that runs Postgres cannot get into {own}, and no other place"
        f" can be used: {INSTEAD}"
    )


def make_root_folder(path: Path) -> None:
    """Makes a folder that all may pass and root alone may change.

    Raises PermissionError if it is there and is not so: a name under /tmp may be a trap.
    """
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o755)
    found = path.lstat()
    if found.st_uid != 0 or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
        raise PermissionError(13, "not root's alone", str(path))


def _roots(own: Path) -> tuple[Path, ...]:
    """What belongs to a temporary data folder goes to a temporary place as well."""
    if is_temporary(own):
        return temporary_roots()
    return (_KEPT, Path("/var/tmp/rowhook"))  # noqa: S108  # make_root_folder looks at it


def temporary_roots() -> tuple[Path, ...]:
    """Where clusters of temporary data folders go if they cannot be inside."""
    parents = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108  # make_root_folder looks at it
    return tuple(parent / "rowhook-elsewhere" for parent in parents)


def is_temporary(path: Path) -> bool:
    """Whether the path lies in a folder whose content is not expected to last."""
    roots = (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # names to compare
    return any(path.is_relative_to(root) for root in roots)


def _with_socket(folder: Folder, account: Account) -> Folder:
    """The folder with a socket folder that is 0700, the account's own, and short enough."""
    if _is_private(folder.socket, account):
        return folder
    usual = folder.base / "socket"
    if _fits(usual):
        usual.mkdir(mode=0o700, exist_ok=True)
        account.own(usual)
        (folder.own / "socket_folder").unlink(missing_ok=True)
    else:
        _note(folder.own / "socket_folder", _short(account))
    return known(folder.own)


def _fits(folder: Path) -> bool:
    path = folder / _SOCKET
    return len(bytes(path)) <= _LONGEST and _LIST.search(str(path)) is None


def _is_private(folder: Path, account: Account) -> bool:
    """Whether the folder is there and nobody else's: a name under /tmp may be somebody's trap."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    owner = account.uid if account.second else os.geteuid()
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    return private and found.st_uid == owner and _fits(folder)


def _short(account: Account) -> Path:
    """A new 0700 folder with a short path."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108  # mkdtemp
        if not parent or barrier(Path(parent), account) is not None:
            continue
        try:
            made = Path(tempfile.mkdtemp(prefix="rowhook-", dir=parent))
        except OSError:
            continue
        if _fits(made):
            account.own(made)
            return made
        made.rmdir()
    raise EmbeddedUnavailable(f"no folder has a path that is short enough for a socket: {INSTEAD}")
