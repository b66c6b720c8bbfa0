"""The embedded Postgres: it starts, it ends whatever ended us, and it disturbs nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rowhook import postgres
from rowhook.embedded import EmbeddedUnavailable, binaries, discard, embedded_postgres, running_dsn
from rowhook.embedded.account import Account, server_account
from rowhook.embedded.folder import known
from rowhook.embedded.hold import is_free
from rowhook.embedded.wheel import copied

pytestmark = pytest.mark.anyio

DEADLINE_S = 30
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
OWNER = Path(__file__).with_name("embedded_owner.py")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a second account needs root")


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that a second account can get into."""
    with tempfile.TemporaryDirectory(prefix="rh-") as made:
        Path(made).chmod(0o755)
        yield Path(made) / "data"


@pytest.fixture
def private() -> Iterator[Path]:
    """A data folder in a 0700 folder."""
    with tempfile.TemporaryDirectory(prefix="rh-") as made:
        yield Path(made) / "data"
        discard(Path(made) / "data")


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's account that is no server."""
    account = server_account()
    user: dict[str, Any] = {"user": account.uid, "group": account.gid} if account.second else {}
    with subprocess.Popen(["/bin/sleep", "600"], **user) as process:
        yield process
        process.kill()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110  # it is the effect of another process
            await asyncio.sleep(0.005)


async def query(dsn: str, text: str) -> Any:
    async with await postgres.connect(dsn) as connection:
        cursor = await connection.execute(text.encode())
        row = await cursor.fetchone() if cursor.description else None
        return row and row[0]


@asynccontextmanager
async def owner(data: Path) -> AsyncIterator[Process]:
    """Another process that starts the server of `data`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(OWNER), str(data), stdout=PIPE, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
        await until(lambda: not own(data).exists() or is_free(own(data)))


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        return (await process.stdout.readline()).decode().strip()


def own(data: Path) -> Path:
    return data.resolve() / "embedded"


def postmaster(data: Path) -> int:
    return int((known(own(data)).cluster / "postmaster.pid").read_text().split("\n")[0])


def is_installed(programs: Path) -> bool:
    return (programs / "postgres").exists()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def environment_of(pid: int) -> set[str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return {entry.split("=")[0] for entry in entries if entry}


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_a_database_is_made_once_and_kept(data: Path) -> None:
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


async def test_a_private_parent_keeps_its_mode_and_the_server_starts(private: Path) -> None:
    places: list[Path] = []
    async with embedded_postgres(private, where=places.append) as dsn:
        assert await query(dsn, "select 1") == 1
        assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert [place.exists() for place in places] == [True] * (os.geteuid() == 0)


async def test_it_listens_on_a_socket_in_a_0700_folder_and_nowhere_else(data: Path) -> None:
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "show listen_addresses") == ""
        assert await query(dsn, "show fsync") == "on"
        folder = known(own(data)).socket
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert str(folder) == await query(dsn, "show unix_socket_directories")


@pytest.mark.parametrize("name", ["d" * 150, 'a,"b', "quo'te %20#?&=é"])
async def test_an_odd_or_long_path_works(data: Path, name: str) -> None:
    async with embedded_postgres(data / name) as dsn:
        assert await query(dsn, "select 1") == 1
        assert running_dsn(data / name) == dsn
    discard(data / name)


async def test_the_dsn_is_known_before_and_asking_for_it_makes_nothing(data: Path) -> None:
    before = running_dsn(data)
    assert not data.exists()
    async with embedded_postgres(data) as dsn:
        assert before == dsn == running_dsn(data)


async def test_two_data_folders_have_a_server_each(data: Path) -> None:
    async with embedded_postgres(data / "a") as one, embedded_postgres(data / "b") as other:
        await query(one, "create table only_here ()")
        assert await query(other, "select to_regclass('only_here')") is None


async def test_a_second_start_on_the_same_folder_names_the_first(data: Path) -> None:
    async with owner(data) as first:
        dsn = await line(first)
        with pytest.raises(
            EmbeddedUnavailable, match=f"in use by process {first.pid}: set ROWHOOK"
        ):
            await embedded_postgres(data).__aenter__()
        assert await query(dsn, "select 1") == 1


async def test_the_server_ends_when_its_owner_is_killed(data: Path) -> None:
    async with owner(data) as first:
        await query(await line(first), "create table kept ()")
        first.kill()
        await first.wait()
        async with embedded_postgres(data) as dsn:
            assert await query(dsn, "select to_regclass('kept')::text") == "kept"


async def test_a_server_whose_watcher_was_killed_too_is_ended_by_the_next_start(data: Path) -> None:
    async with owner(data) as first:
        await line(first)
        left = postmaster(data)
        os.kill(parent_of(left), signal.SIGKILL)
        first.kill()
        await first.wait()
        async with embedded_postgres(data) as dsn:
            assert await query(dsn, "select 1") == 1
            assert postmaster(data) != left


async def test_the_server_is_stopped_though_its_watcher_was_killed(data: Path) -> None:
    async with embedded_postgres(data):
        os.kill(parent_of(postmaster(data)), signal.SIGKILL)
    await until(lambda: is_free(own(data)))


async def test_a_pid_file_that_names_a_stranger_costs_the_stranger_nothing(
    data: Path, stranger: subprocess.Popen[bytes]
) -> None:
    async with embedded_postgres(data):
        folder = known(own(data))
        found = (folder.cluster / "postmaster.pid").read_bytes()
    forged = found.replace(found.split(b"\n")[0], str(stranger.pid).encode(), 1)
    (folder.cluster / "postmaster.pid").write_bytes(forged)
    (folder.socket / ".s.PGSQL.5432.lock").write_bytes(forged)
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "select 1") == 1
    assert stranger.poll() is None


async def test_a_server_that_dies_comes_back(data: Path) -> None:
    async with embedded_postgres(data) as dsn:
        died = postmaster(data)
        os.kill(died, signal.SIGKILL)

        def is_back() -> bool:
            try:
                psycopg.connect(dsn, connect_timeout=1).close()
            except psycopg.OperationalError:
                return False
            return True

        await until(lambda: is_gone(died))
        await until(is_back)
        assert await query(dsn, "select 1") == 1


async def test_the_server_has_a_session_of_its_own_so_that_ctrl_c_passes_it_by(data: Path) -> None:
    async with embedded_postgres(data):
        assert os.getsid(postmaster(data)) != os.getsid(0)
        assert os.getpgid(postmaster(data)) != os.getpgid(0)


@pytest.mark.parametrize(
    ("seen", "number"),
    [
        ("server.log", signal.SIGKILL),
        ("cluster.new", signal.SIGTERM),
        ("cluster/postmaster.pid", signal.SIGINT),
        ("created", signal.SIGKILL),
    ],
)
async def test_a_signal_during_the_start_leaves_no_server(
    data: Path, seen: str, number: signal.Signals
) -> None:
    async with owner(data) as first:
        await until((own(data) / seen).exists)
        first.send_signal(number)
        await first.wait()
        await until(lambda: is_free(own(data)))
    async with embedded_postgres(data) as dsn:
        assert await query(dsn, "select current_database()") == "rowhook"


async def test_secrets_in_our_environment_do_not_reach_the_server(data: Path) -> None:
    async with embedded_postgres(data):
        names = environment_of(postmaster(data))
    assert names <= {"PATH", "LD_LIBRARY_PATH", "LC_ALL", "TZ"}


async def test_a_start_that_fails_shows_the_end_of_the_log(data: Path) -> None:
    async with embedded_postgres(data):
        pass
    (known(own(data)).cluster / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedUnavailable, match=r"(?s)did not start.*pg_control.*DATABASE_URL"):
        await embedded_postgres(data).__aenter__()
    assert is_free(own(data))


async def test_a_folder_that_cannot_be_made_is_named(data: Path) -> None:
    data.write_text("a file")
    with pytest.raises(EmbeddedUnavailable, match=r"cannot use .*data.*ROWHOOK_DATA_DIR"):
        await embedded_postgres(data / "below").__aenter__()


async def test_other_programs_can_be_given(data: Path) -> None:
    if not is_installed(DEBIAN_15):
        pytest.skip("PostgreSQL 15 is not installed: apt-get install postgresql-15")
    async with embedded_postgres(data, binaries=DEBIAN_15) as dsn:
        assert str(await query(dsn, "show server_version")).startswith("15.")
    with pytest.raises(EmbeddedUnavailable, match=r"(?s)incompatible.*initialized by"):
        await embedded_postgres(data).__aenter__()


def test_without_the_wheel_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from rowhook.embedded import EmbeddedUnavailable, binaries\n"
        "try: binaries()\nexcept EmbeddedUnavailable as error: print(error)"
    )
    source = Path(__file__).parents[1] / "src"
    told = run(sys.executable, "-I", "-S", "-c", code, str(source))
    assert "pip install 'rowhook[embedded]'" in told


def run(*command: str, **options: Any) -> str:
    told = subprocess.run(command, capture_output=True, check=True, text=True, **options)  # noqa: S603  # our own programs
    return str(told.stdout)


@as_root
def test_a_copy_of_the_programs_is_whole_and_runs_from_where_it_is(folder: Path) -> None:
    folder.chmod(0o755)
    account = server_account()
    (folder / "a file").touch()
    copy = copied(binaries(), account, (folder / "a file", folder / "cache"))
    assert copied(binaries(), account, (folder / "cache",)) == copy
    told = run(str(copy / "createdb"), "--version", user=account.uid, group=account.gid)
    assert "PostgreSQL" in told


@as_root
def test_a_cache_that_others_may_write_is_not_used(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "trap").mkdir()
    (folder / "trap").chmod(0o777)
    with pytest.raises(EmbeddedUnavailable, match="no copy can be kept"):
        copied(binaries(), Account(uid=65534, gid=65534, name="nobody"), (folder / "trap",))
