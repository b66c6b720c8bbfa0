"""The embedded PostgreSQL starts, keeps its data, and affects no other process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rowhook.embedded.cluster import discard, embedded_postgres
from rowhook.embedded.data_folder import recorded_folder, running_dsn
from rowhook.embedded.server_binaries import binaries, cached_copy
from rowhook.embedded.server_process import Account, EmbeddedUnavailable, server_account
from tests.support.embedded_fixtures import (
    data,
    environment_of,
    installation_folder,
    is_installed,
    mode_of,
    path_exists,
    postmaster_pid,
    private_data,
    query,
)
from tests.support.servers import DEBIAN_15

pytestmark = pytest.mark.anyio

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a second account needs root")
__all__ = ["data", "private_data"]  # fixtures


async def test_the_embedded_database_is_created_once_and_kept(data: Path) -> None:
    async with embedded_postgres(data) as dsn:
        await query(dsn, "create table kept (n int)")
        assert (
            await query(dsn, "select current_database() || ' ' || current_user")
            == "rowhook rowhook"
        )
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "select count(*) from kept") == 0
    with pytest.raises(psycopg.OperationalError):
        await query(dsn, "select 1")


async def test_a_private_parent_keeps_its_mode_and_the_server_starts(private_data: Path) -> None:
    places: list[Path] = []
    async with embedded_postgres(private_data, on_relocation=places.append) as dsn:
        assert await query(dsn, "select 1") == 1
        assert mode_of(private_data.parent) == 0o700
    assert [place.exists() for place in places] == [True] * (os.geteuid() == 0)


async def test_the_server_listens_only_on_a_socket_in_a_0700_folder(data: Path) -> None:
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "show listen_addresses") == ""
        assert await query(dsn, "show fsync") == "on"
        folder = recorded_folder(installation_folder(data)).socket
        assert mode_of(folder) == 0o700
        assert str(folder) == await query(dsn, "show unix_socket_directories")


@pytest.mark.long
@pytest.mark.parametrize("name", ["d" * 150, 'a,"b', "quo'te %20#?&=é"])
async def test_unusual_and_long_paths_work(data: Path, name: str) -> None:
    async with embedded_postgres(data / name) as dsn:
        assert await query(dsn, "select 1") == 1
        assert running_dsn(data / name) == dsn
    discard(data / name)


async def test_the_dsn_is_available_without_creating_anything(data: Path) -> None:
    before = running_dsn(data)
    assert not path_exists(data)
    async with embedded_postgres(data) as dsn:
        assert before == dsn == running_dsn(data)


@pytest.mark.long
async def test_each_data_folder_has_its_own_server(data: Path) -> None:
    async with embedded_postgres(data / "a") as first, embedded_postgres(data / "b") as other:
        await query(first, "create table only_here ()")
        assert await query(other, "select to_regclass('only_here')") is None


async def test_the_server_has_its_own_session_and_ignores_ctrl_c(data: Path) -> None:
    async with embedded_postgres(data):
        assert os.getsid(postmaster_pid(data)) != os.getsid(0)
        assert os.getpgid(postmaster_pid(data)) != os.getpgid(0)


async def test_secrets_in_the_environment_are_not_passed_to_the_server(data: Path) -> None:
    async with embedded_postgres(data):
        names = environment_of(postmaster_pid(data))
    assert names <= {"PATH", "LD_LIBRARY_PATH", "LC_ALL", "TZ"}


@pytest.mark.long
async def test_other_server_binaries_can_be_passed(data: Path) -> None:
    if not is_installed(DEBIAN_15):
        pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
    async with embedded_postgres(data, binaries=DEBIAN_15) as dsn:
        assert str(await query(dsn, "show server_version")).startswith("15.")
    with pytest.raises(EmbeddedUnavailable, match=r"(?s)incompatible.*initialized by"):
        await embedded_postgres(data).__aenter__()


def test_without_the_wheel_the_error_names_the_package_to_install() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from rowhook.embedded.server_binaries import binaries\n"
        "from rowhook.embedded.server_process import EmbeddedUnavailable\n"
        "try: binaries()\nexcept EmbeddedUnavailable as error: print(error)"
    )
    source = Path(__file__).parents[2] / "src"
    output = run(sys.executable, "-I", "-S", "-c", code, str(source))
    assert "pip install 'rowhook[embedded]'" in output


def run(*command: str, **options: Any) -> str:
    completed = subprocess.run(command, capture_output=True, check=True, text=True, **options)  # noqa: S603  # our own programs
    return str(completed.stdout)


@as_root
def test_a_copy_of_the_binaries_is_complete_and_relocatable(folder: Path) -> None:
    folder.chmod(0o755)
    account = server_account()
    (folder / "a file").touch()
    copy = cached_copy(binaries(), account, (folder / "a file", folder / "cache"))
    assert cached_copy(binaries(), account, (folder / "cache",)) == copy
    output = run(str(copy / "createdb"), "--version", user=account.uid, group=account.gid)
    assert "PostgreSQL" in output


@as_root
def test_a_cache_writable_by_others_is_not_used(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "trap").mkdir()
    (folder / "trap").chmod(0o777)
    with pytest.raises(EmbeddedUnavailable, match="can hold a copy"):
        cached_copy(binaries(), Account(uid=65534, gid=65534, name="nobody"), (folder / "trap",))
