"""The folders and files of a cluster: their location, and the locks on them.

`data_dir/embedded` always holds the locks and the log. The cluster and its socket are there too,
unless the server's account cannot enter it or the path is too long for a socket. In that case a
file in it contains the path of the other folder.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from rowhook.embedded.server_process import (
    ADVICE,
    Account,
    EmbeddedUnavailable,
    barrier,
    os_errors_explained,
    server_account,
)

_SOCKET = ".s.PGSQL.5432"
_MAX_SOCKET_PATH = 107  # sun_path in unix(7) without the final zero byte
_SEPARATOR = re.compile(r'[,"]|^@')  # libpq and unix_socket_directories accept lists
_STATE_FOLDER = Path("/var/lib/rowhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The paths of a cluster. `own` is in the data folder, `base` contains the cluster."""

    own: Path
    base: Path
    socket: Path

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self.base / "cluster"

    @property
    def log(self) -> Path:
        """The log of the server."""
        return self.own / "server.log"

    @property
    def dsn(self) -> str:
        """The superuser's DSN over the socket, which the mode of the folder protects."""
        return f"postgresql:///rowhook?host={quote(str(self.socket), safe='/')}&user=rowhook"


def running_dsn(data_dir: Path) -> str | None:
    """Returns the DSN of the embedded PostgreSQL in `data_dir`, running or not.

    None if the location is only decided at the first start, because the path is too long for a
    socket or the server's account cannot enter it.
    """
    own = _own(data_dir)
    try:
        folder = recorded_folder(own)
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


def recorded_folder(own: Path) -> Folder:
    """Returns the recorded folders of an earlier start, or the default ones."""
    base = _recorded_path(own / "elsewhere") or own
    return Folder(
        own=own, base=base, socket=_recorded_path(own / "socket_folder") or base / "socket"
    )


def _recorded_path(file: Path) -> Path | None:
    try:
        return Path(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _record_path(file: Path, path: Path) -> None:
    part = file.with_suffix(".part")
    part.write_text(str(path), encoding="utf-8")
    part.replace(file)


def open_own(data_dir: Path, account: Account) -> Path:
    """Creates `data_dir` and the folder in it. Does not change the mode of a folder in use."""
    own = _own(data_dir)
    with os_errors_explained(data_dir):
        is_new = not own.parent.exists() or not any(own.parent.iterdir())
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        own.mkdir(mode=0o700, exist_ok=True)
        if barrier(own.parents[1], account) is None:
            for path in (own.parent, own) if is_new else (own,):
                _allow_passage(path, account)
        if not os.access(own, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(own))
    return own


def _allow_passage(path: Path, account: Account) -> None:
    """Lets the group of the server enter the folder, but not list it."""
    if account.is_other and not account.may(path, os.X_OK):
        os.chown(path, -1, account.gid)
        path.chmod(0o710)


def prepare(own: Path, account: Account) -> Folder:
    """Chooses and creates the folders of cluster and socket. Requires the owner lock."""
    with os_errors_explained(own):
        folder = recorded_folder(own)
        if not folder.base.is_dir():
            (own / "elsewhere").unlink()
            folder = recorded_folder(own)
        closed = barrier(folder.base, account)
        if closed is not None and folder.cluster.exists():
            raise EmbeddedUnavailable(
                f"The account {account.name}, which runs PostgreSQL, cannot enter {closed} on the"
                f" way to the cluster in {folder.cluster}. Allow it with chmod o+x, or {ADVICE}"
            )
        if closed is not None:
            _record_path(own / "elsewhere", _elsewhere(own, account))
            folder = recorded_folder(own)
        return _with_socket(folder, account)


def _elsewhere(own: Path, account: Account) -> Path:
    """Creates a folder of root outside the data folder that the account can enter."""
    name = sha256(bytes(own)).hexdigest()[:16]
    for parent in _roots(own):
        try:
            make_root_folder(parent)
            folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        except OSError:
            continue
        folder.chmod(0o711)
        if barrier(folder, account) is None:
            (folder / "origin").write_text(str(own), encoding="utf-8")
            return folder
        shutil.rmtree(folder)
    raise EmbeddedUnavailable(
        f"The account {account.name}, which runs PostgreSQL, cannot enter {own}, and no other"
        f" folder can be used. Instead, {ADVICE}"
    )


def make_root_folder(path: Path) -> None:
    """Creates a folder that everybody may enter and only root may write to.

    Raises PermissionError if an existing folder is different: others can create names in /tmp.
    """
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o755)
    status = path.lstat()
    if status.st_uid != 0 or not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022:
        raise PermissionError(13, "not owned by root or writable by others", str(path))


def _roots(own: Path) -> tuple[Path, ...]:
    """Returns the candidates; temporary folders for a temporary data folder."""
    if is_temporary(own):
        return temporary_roots()
    return (_STATE_FOLDER, Path("/var/tmp/rowhook"))  # noqa: S108  # checked by make_root_folder


def temporary_roots() -> tuple[Path, ...]:
    """Returns the folders for clusters of temporary data folders that are stored elsewhere."""
    parents = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108  # checked by make_root_folder
    return tuple(parent / "rowhook-elsewhere" for parent in parents)


def is_temporary(path: Path) -> bool:
    """Whether the path is in a folder for temporary files."""
    roots = (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # compared only
    return any(path.is_relative_to(root) for root in roots)


def _with_socket(folder: Folder, account: Account) -> Folder:
    """Ensures a socket folder with mode 0700, owned by the account, and short enough."""
    if _is_private(folder.socket, account):
        return folder
    default = folder.base / "socket"
    if _fits(default):
        default.mkdir(mode=0o700, exist_ok=True)
        account.own(default)
        (folder.own / "socket_folder").unlink(missing_ok=True)
    else:
        _record_path(folder.own / "socket_folder", _short(account))
    return recorded_folder(folder.own)


def _fits(folder: Path) -> bool:
    path = folder / _SOCKET
    return len(bytes(path)) <= _MAX_SOCKET_PATH and _SEPARATOR.search(str(path)) is None


def _is_private(folder: Path, account: Account) -> bool:
    """Whether the folder exists and is private: others can create names in /tmp."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    owner = account.uid if account.is_other else os.geteuid()
    is_private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == stat.S_IRWXU
    return is_private and status.st_uid == owner and _fits(folder)


def _short(account: Account) -> Path:
    """Creates a 0700 folder with a short path."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108  # mkdtemp
        if not parent or barrier(Path(parent), account) is not None:
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix="rowhook-", dir=parent))
        except OSError:
            continue
        if _fits(folder):
            account.own(folder)
            return folder
        folder.rmdir()
    raise EmbeddedUnavailable(
        f"No folder has a path that is short enough for a socket. Instead, {ADVICE}"
    )


_INTERRUPT_S, _QUIT_S, _TIMEOUT_S = 0.3, 20.0, 30.0
_POLL_S = 0.01


def interrupt_server(cluster: Path) -> None:
    """Signals a running server of `cluster` for a fast shutdown."""
    _signal(cluster, signal.SIGINT)


def quit_server(cluster: Path) -> None:
    """Signals a running server of `cluster` for an immediate shutdown."""
    _signal(cluster, signal.SIGQUIT)


def clear_stale_files(folder: Folder) -> None:
    """Removes the pid file and the socket of a dead server.

    Requires the server lock. Raises EmbeddedUnavailable if a foreign server uses the cluster.
    """
    pid = _read_pid(folder.cluster)
    if pid is not None and _serves(pid, folder.cluster):
        raise EmbeddedUnavailable(
            f"Process {pid} is a PostgreSQL server on {folder.cluster} that rowhook did not start."
            f" Stop it, or {ADVICE}"
        )
    for stale in (folder.cluster / "postmaster.pid", *folder.socket.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _read_pid(cluster: Path) -> int | None:
    try:
        first = (cluster / "postmaster.pid").read_bytes()[:20].split(b"\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() and int(first) > 1 else None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is a postgres of this cluster. False if that cannot be determined."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink().name
        return program.split(" ")[0] == "postgres" and Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def _signal(cluster: Path, number: signal.Signals) -> None:
    pid = _read_pid(cluster)
    if pid is None or sys.platform != "linux":
        return
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if _serves(pid, cluster):
            signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return
    finally:
        os.close(process)


def _open(path: Path) -> int:
    with os_errors_explained(path):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def owner_lock(own: Path) -> Iterator[None]:
    """Locks the data folder. Raises EmbeddedUnavailable, naming the process that uses it."""
    descriptor = _open(own / "owner.lock")
    try:
        if not _try_lock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise EmbeddedUnavailable(
                f"{own.parent} is already in use by process {holder}. Stop it, or {ADVICE}"
            )
        with os_errors_explained(own):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def server_lock(own: Path) -> Iterator[int]:
    """Opens the lock file that the server inherits, without locking it.

    The descriptor is closed but never unlocked, which would unlock it for the server too.
    """
    descriptor = _open(own / "server.lock")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def wait_for_server(descriptor: int, folder: Folder) -> None:
    """Takes the server lock as soon as the server of an earlier owner has ended.

    Its watcher stops it. If the watcher was killed too, the server is signalled here, provided that
    it is the server of this cluster. Raises EmbeddedUnavailable after 30 s.
    """
    clock = asyncio.get_running_loop().time
    started_at, signals = clock(), 0
    while not _try_lock(descriptor):
        elapsed = clock() - started_at
        if elapsed > _TIMEOUT_S:
            raise EmbeddedUnavailable(
                f"The PostgreSQL server of an earlier run in {folder.cluster} does not stop."
                f" Stop it, or {ADVICE}"
            )
        if signals < 1 and elapsed > _INTERRUPT_S:
            signals = 1
            interrupt_server(folder.cluster)
        elif signals < 2 and elapsed > _QUIT_S:  # noqa: PLR2004  # the second and last signal
            signals = 2
            quit_server(folder.cluster)
        await asyncio.sleep(_POLL_S)
