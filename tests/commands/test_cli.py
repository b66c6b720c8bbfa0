"""Errors of the command line have one clear message and an exit code."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rich_click as click
from click.testing import CliRunner

from rowhook.cli import rowhook, startup
from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.settings import NAMES, SettingsRejected, load
from tests.support.command_line import CommandLine
from tests.support.commands import NEW_INTERPRETER, command_lines_with, run_command
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
NOWHERE = "postgresql://rowhook@127.0.0.1:1/app"
KEY = generate_master_key()
# Without this capability, the file mode applies to root too.
HUMBLE = (
    "setpriv",
    "--bounding-set",
    "-dac_override,-dac_read_search",
    "--inh-caps",
    "-dac_override,-dac_read_search",
)


def files_of(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def occupied_port() -> Iterator[str]:
    """A port on which something listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize("name", rowhook.list_commands(click.Context(rowhook)))
def test_a_command_explains_itself_and_takes_every_setting_as_an_option(name: str) -> None:
    result = CliRunner().invoke(rowhook, [name, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    command = rowhook.get_command(click.Context(rowhook), name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    assert {f"--{setting.replace('_', '-')}" for setting in NAMES} <= options


async def test_help_lists_all_commands(folder: Path) -> None:
    result = await run_command(folder, "--help")
    assert result.code == 0
    assert all(name in result.out for name in rowhook.list_commands(click.Context(rowhook)))


@pytest.mark.parametrize("arguments", [["nonsense"], ["worker", "--processes", "0"], ["up", "-x"]])
async def test_incorrect_usage_exits_2(folder: Path, arguments: list[str]) -> None:
    (await run_command(folder, *arguments)).refused(2)


@pytest.mark.parametrize("command", ["migrate", "worker", "up"])
async def test_an_unreachable_database_exits_3(folder: Path, command: str) -> None:
    result = await run_command(
        folder, command, "--port", "0", DATABASE_URL=NOWHERE, ROWHOOK_MASTER_KEYS=KEY
    )
    result.refused(3, "Cannot connect to the database", "DATABASE_URL")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://u:canary@db/x",
        "mysql://u:canary@db/x?y=z",
        "postgresql://u:canary%zz@h/d",
        "host=db pasword=canary",
        "postgresql://u:canary@h:port/d",
        "postgresql://u:canary@h:99999/d",
    ],
)
def test_an_invalid_url_is_rejected_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsRejected, match=r"^DATABASE_URL: ") as refused:
        database_url = load({"DATABASE_URL": url}).database_url
        startup._require_dsn("DATABASE_URL", database_url or "")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("password", ["canary/b", "canary@b", "canary%b"])
def test_a_password_that_is_not_encoded_is_reported_with_the_way_to_write_it(
    password: str,
) -> None:
    with pytest.raises(SettingsRejected, match=r"percent-encoded, such as %2F for /") as refused:
        startup._require_dsn("DATABASE_URL", f"postgresql://app:{password}@db/platform")
    assert "canary" not in str(refused.value)


async def test_an_invalid_url_exits_2(folder: Path) -> None:
    result = await run_command(folder, "migrate", DATABASE_URL="mysql://u:canary@db/x?y=z")
    result.refused(2, "rowhook: DATABASE_URL: write postgresql://")
    assert "canary" not in result.err


async def test_a_direct_url_is_validated(folder: Path) -> None:
    result = await run_command(folder, "migrate", DATABASE_URL=NOWHERE, DATABASE_DIRECT_URL="a=b")
    result.refused(2, "rowhook: DATABASE_DIRECT_URL: write postgresql://")


@pytest.mark.parametrize(
    ("variables", "code", "message"),
    [
        ({"ROWHOOK_PORT": "http"}, 2, "ROWHOOK_PORT: 'http' is not a number"),
        ({"ROWHOOK_DATA_DIR": "~nobody-has-this-name/x"}, 2, "ROWHOOK_DATA_DIR: "),
        ({"ROWHOOK_BRAND_FILE": "/nonexistent/brand"}, 2, "ROWHOOK_BRAND_FILE: Cannot read"),
    ],
)
async def test_an_invalid_setting_is_named(
    folder: Path, variables: dict[str, Any], code: int, message: str
) -> None:
    (await run_command(folder, "config", **variables)).refused(code, message)


async def test_a_misspelled_variable_is_reported_and_others_are_not(folder: Path) -> None:
    variables: dict[str, Any] = {
        "ROWHOOK_MASTERKEYS": KEY,
        "ROWHOOK_API_PORT": "tcp://10.0.0.1:80",
        "ROWHOOK_PORT_FILE": "",
    }
    result = await run_command(folder, "config", "--json", **variables)
    assert result.code == 0
    assert "variable=ROWHOOK_MASTERKEYS" in result.err
    assert "Did you mean ROWHOOK_MASTER_KEYS?" in result.err
    assert result.err.count("setting.unknown") == 1


@pytest.mark.parametrize("command", ["up", "api"])
async def test_a_port_in_use_is_reported_before_anything_starts(
    folder: Path, occupied_port: str, command: str
) -> None:
    result = await run_command(folder, command, "--port", occupied_port)
    result.refused(
        2, f"ROWHOOK_PORT: Cannot listen on 127.0.0.1:{occupied_port}", "in use", "--port"
    )
    assert files_of(folder) == []


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_of_another_machine_is_reported_with_the_setting_of_the_host(
    folder: Path, host: str
) -> None:
    result = await run_command(folder, "api", "--host", host)
    result.refused(2, f"ROWHOOK_HOST: Cannot listen on {host}:", "--host, or 0.0.0.0")


async def test_listen_reports_a_port_in_use(folder: Path, occupied_port: str) -> None:
    result = await run_command(folder, "listen", "--on", occupied_port)
    result.refused(2, f"--on: Cannot listen on 127.0.0.1:{occupied_port}", "in use")


@pytest.mark.parametrize("where", ["file", "locked"])
async def test_an_unwritable_data_folder_is_reported(folder: Path, where: str) -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed: apt-get install util-linux")
    (folder / "file").touch()
    (folder / "locked").mkdir(mode=0o500)
    before = HUMBLE if os.geteuid() == 0 else ()
    result = await run_command(
        folder, "up", "--port", "0", before=before, ROWHOOK_DATA_DIR=str(folder / where / "data")
    )
    result.refused(1, "Cannot use", str(folder / where), "ROWHOOK_DATA_DIR")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:canary@db/app",
        "postgresql://u@db/app?password=canary",
        "postgresql://:canary@db",
        "host=db password=canary user=u",
        "host=db password = 'can\\'ary canary'",
        "postgresql://u@db/app?sslpassword=canary",
    ],
)
def test_config_masks_every_secret(url: str) -> None:
    variables = {
        "DATABASE_URL": url,
        "DATABASE_DIRECT_URL": url,
        "ROWHOOK_MASTER_KEYS": "k1:canary",
        "ROWHOOK_ADMIN_KEY": "rhk_canary" + "a" * 32,
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8,::1/128",
        "ROWHOOK_EGRESS_PROXY": "http://canary:canary@proxy:3128",
    }
    for arguments in (["config"], ["config", "--json"]):
        result = CliRunner().invoke(rowhook, arguments, env=variables)
        assert result.exit_code == 0
        assert "ary" not in result.output
    settings = json.loads(result.stdout)
    assert settings["allow_networks"] == "127.0.0.0/8,::1/128"
    assert settings["master_keys"] == settings["admin_key"] == "***"
    assert settings["egress_proxy"] == "http://***@proxy:3128"


def test_config_prints_values_as_the_environment_takes_them() -> None:
    lines = CliRunner().invoke(rowhook, ["config"]).output.splitlines()
    assert {"ROWHOOK_ALLOW_HTTP=false", "ROWHOOK_LEASE_S=20", "ROWHOOK_METRICS_PORT="} <= set(lines)


async def test_config_prints_only_json_and_starts_nothing(folder: Path) -> None:
    result = await run_command(folder, "config", "--json", before=NEW_INTERPRETER)
    assert (result.code, result.err) == (0, "")
    settings = json.loads(result.out)
    assert tuple(settings) == NAMES
    assert settings["data_dir"] == str(folder / "data")
    assert files_of(folder) == []


@pytest.mark.parametrize("command", [["worker"], ["worker", "--processes", "2"], ["status"]])
async def test_commands_refuse_a_database_that_is_not_migrated(
    folder: Path, empty_dsn: str, command: list[str]
) -> None:
    result = await run_command(folder, *command, DATABASE_URL=empty_dsn, ROWHOOK_MASTER_KEYS=KEY)
    result.refused(1, "is not migrated", "run rowhook migrate")


async def test_migrate_reports_pending_applied_and_no_steps(folder: Path, empty_dsn: str) -> None:
    hands = CommandLine(folder=folder, dsn=empty_dsn)
    assert "Pending: grants" in await hands.ok("migrate", "--plan")
    result = await run_command(folder, "migrate", DATABASE_URL=empty_dsn)
    assert (result.code, "Applied grants" in result.out) == (0, True), result
    assert "Nothing to do" in await hands.ok("migrate")


async def test_a_failed_step_is_named_and_repeated(folder: Path, empty_dsn: str) -> None:
    hands = CommandLine(folder=folder, dsn=empty_dsn)
    async with await connection_pool.connect(empty_dsn) as connection:
        await connection.execute("create schema rowhook")
        await connection.execute("create table rowhook.webhook ()")
        result = await hands.type("migrate")
        result.refused(1, 'relation "webhook" already exists', "Step 0003_webhook was rolled back")
        await connection.execute("drop table rowhook.webhook")
    assert (await hands.ok("migrate")).splitlines()[0] == "Applied 0003_webhook"


async def test_an_edited_migration_is_rejected(folder: Path, dsn: str) -> None:
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute("update rowhook.migration set checksum = 'other'")
    result = await CommandLine(folder=folder, dsn=dsn).type("migrate")
    result.refused(1, "was edited after it was applied")


@pytest.mark.parametrize(
    ("keys", "processes"),
    [(None, "1"), ("k1:short", "1"), (generate_master_key(), "1"), (generate_master_key(), "2")],
    ids=["none", "short", "another", "another for two"],
)
async def test_a_worker_does_not_start_without_the_master_key_of_the_database(
    folder: Path,
    dsn: str,
    pool: Pool,
    platform: Platform,
    keys: str | None,
    processes: str,
) -> None:
    async with Receiver() as receiver:
        rig = Rig(dsn, pool, platform, receiver)
        await startup.check_keyring(pool, Keyring(KEY))
        await rig.webhook()
        await platform.commit()
        variables: dict[str, Any] = {} if keys is None else {"ROWHOOK_MASTER_KEYS": keys}
        result = await run_command(
            folder,
            "worker",
            "--processes",
            processes,
            DATABASE_URL=dsn,
            ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8",
            **variables,
        )
        result.refused(1, "ROWHOOK_MASTER_KEYS")
        assert receiver.requests == []
    (row,) = await platform.deliveries()
    assert (row["status"], row["attempts"]) == ("pending", 0)


@pytest.mark.parametrize(
    "options",
    [(), pytest.param(("--own-tables",), marks=pytest.mark.long)],
    ids=["ours", "own tables"],
)
async def test_the_demo_succeeds_and_leaves_no_process(
    folder: Path, options: tuple[str, ...]
) -> None:
    os.chmod(folder, 0o755)  # noqa: PTH101, S103  # the server's account must get in
    result = await run_command(folder, "demo", *options)
    assert result.code == 0, result.out + result.err
    assert "Traceback" not in result.err
    assert command_lines_with(folder) == []
