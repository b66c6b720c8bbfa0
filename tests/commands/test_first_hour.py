"""The first hour of a new user: help, mistyped commands, `up`, `psql`, and Ctrl-C pressed twice."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rowhook.cli import output, rowhook, run_commands
from rowhook.db import connection_pool
from rowhook.security.vault import generate_master_key
from rowhook.settings import MEANINGS, NAMES, default_text, environment_name, load
from tests.support.command_line import CommandLine
from tests.support.commands import command_lines_with, run_command, running_command, wait_for_exit
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver, stall
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
NO_CLIENT = {"PATH": "/nonexistent"}
WIDE = {"COLUMNS": "400"}


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(rowhook, [*arguments, "--help"], env=WIDE)
    assert result.exit_code == 0, result.output
    return result.output


def test_settings_are_described_once_with_their_defaults() -> None:
    text = " ".join(help_of("config").replace("│", " ").split())
    defaults = load({"ROWHOOK_DATA_DIR": "~/.local/share/rowhook", "HOME": "/"})
    for name in NAMES:
        assert f"--{name.replace('_', '-')} " in text
        assert MEANINGS[name].replace("`", "") in text
        default = getattr(defaults, name) if name != "data_dir" else "~/.local/share/rowhook"
        assert f"({environment_name(name)}; default: {default_text(default) or 'none'})" in text


@pytest.mark.parametrize(
    "command", [["up"], ["status"], ["webhooks"], ["webhooks", "create"], ["demo"], ["link"]]
)
def test_other_help_names_the_page_of_settings_in_one_line(command: list[str]) -> None:
    text = help_of(*command)
    assert text.count("rowhook config --help") == 1
    assert "--master-keys" not in text


@pytest.mark.parametrize(
    ("typed", "similar"),
    [
        (["stauts"], "status"),
        (["webhook"], "webhooks"),
        (["webhooks", "craete"], "create"),
        (["delivery"], "deliveries"),
        (["up", "--prot", "1"], "--port"),
        (["webhooks", "create", "--body", "x"], "'--body-template'"),
        (["org"], "'organizations'"),
        (["webhooks", "rot"], "'rotate-secret'"),
        (["--vers"], "'--version'"),
    ],
)
async def test_a_mistyped_command_is_answered_with_a_similar_one(
    folder: Path, typed: list[str], similar: str
) -> None:
    result = await run_command(folder, *typed)
    result.refused(2, "Did you mean", similar)


@pytest.mark.parametrize("command", [["status"], ["doctor"], ["psql", "-c", "select 1"]])
async def test_inspecting_starts_no_server(folder: Path, command: list[str]) -> None:
    result = await run_command(folder, *command)
    result.refused(3, "No embedded database is running", "rowhook up")
    assert names_in(folder) == []


@pytest.mark.parametrize("path", [{}, NO_CLIENT], ids=["client", "no client"])
async def test_psql_runs_statements_with_or_without_a_client(
    hands: CommandLine, path: dict[str, Any]
) -> None:
    variables = {"DATABASE_URL": hands.dsn, **path}
    statement = "select name from rowhook.migration where name = '0001_roles'"
    result = await run_command(hands.folder, "psql", "-AtX", "-c", statement, **variables)
    assert (result.code, result.out, result.err) == (0, "0001_roles\n", "")
    result = await run_command(hands.folder, "psql", "-X", "-c", "nonsense", **variables)
    assert (result.code, "syntax error" in result.err) == (1, True)


async def test_psql_reads_statements_from_standard_input(hands: CommandLine) -> None:
    result = await hands.process("select 'piped';", "psql", "-AtX")
    assert (result.code, result.out) == (0, "piped\n")


async def test_commands_take_the_name_of_a_webhook(hands: CommandLine, platform: Platform) -> None:
    for name in ("CRM", "Twice", "Twice"):
        await hands.type("webhooks", "create", "--name", name, "--url", "https://example.com/")
    assert "CRM" in await hands.ok("webhooks", "show", "CRM")
    await hands.ok("link", "CRM", "--goal", platform.goal)
    assert "none" not in await hands.ok("deliveries", "--webhook", "CRM")
    (await hands.type("webhooks", "show", "CMR")).refused(1, "'CMR'", "Did you mean 'CRM'?")
    (await hands.type("webhooks", "show", "Twice")).refused(
        1, "2 webhooks are named 'Twice'. Use the id of one:"
    )


async def test_up_refuses_missing_keys_before_it_migrates(folder: Path, empty_dsn: str) -> None:
    result = await run_command(folder, "up", "--port", "0", DATABASE_URL=empty_dsn)
    result.refused(1, "ROWHOOK_MASTER_KEYS is not set")
    assert await relations(empty_dsn) == 0


async def test_up_refuses_other_keys_before_it_migrates(folder: Path, dsn: str) -> None:
    # Any command with the keyring records which keys this database has.
    create = ("webhooks", "create", "--name", "a", "--url", "https://example.com/")
    await CommandLine(folder=folder, dsn=dsn).type(*create)
    async with await connection_pool.connect(dsn) as connection:
        await connection.execute("drop view rowhook.capture_gap")
    result = await run_command(
        folder, "up", "--port", "0", DATABASE_URL=dsn, ROWHOOK_MASTER_KEYS=generate_master_key()
    )
    result.refused(1, "does not match this database")
    async with await connection_pool.connect(dsn) as connection:
        cursor = await connection.execute("select to_regclass('rowhook.capture_gap')")
        assert await cursor.fetchone() == (None,)


async def relations(dsn: str) -> int:
    async with await connection_pool.connect(dsn) as connection:
        cursor = await connection.execute(
            "select count(*) from pg_namespace where nspname = 'rowhook'"
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def last_lines(folder: Path, count: int = 4, **variables: Any) -> list[str]:
    """Starts `rowhook up`, stops it, and returns the last lines that it printed."""
    async with running_command(folder, "up", "--port", "0", **variables) as up:
        assert up.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(DEADLINE_S):
            while not (lines and lines[-1].startswith("  Listen")):
                line = (await up.stdout.readline()).decode()
                assert line, (await up.communicate())[1].decode()
                lines.append(line.rstrip("\n"))
        up.terminate()
        result = await wait_for_exit(up)
    assert (result.code, result.out) == (0, "")
    return lines[-count:]


@pytest.mark.long
async def test_every_up_ends_with_the_same_four_lines(folder: Path) -> None:
    dashboard, key, insert, listen = await last_lines(folder)
    assert re.search(r"^  Dashboard +http://127\.0\.0\.1:\d+/sign-in/link\?token=\S+ ", dashboard)
    assert re.search(r"^  API key +rhk_\S{32,} .*shown only once", key)
    assert "psql -c" in insert
    assert "restart with ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8" in listen
    again = await last_lines(folder, ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8")
    assert [line.split()[0] for line in again] == ["Dashboard", "API", "Insert", "Listen"]
    assert "keys create --name NAME --scope read" in again[1]
    assert "restart" not in again[3]


@pytest.mark.long
async def test_the_printed_insert_works_in_an_empty_database_and_later(folder: Path) -> None:
    async with running_command(folder, "up", "--port", "0") as up:
        assert up.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while not (line := (await up.stdout.readline()).decode()).startswith("  Insert"):
                assert line
        statement = line.partition('psql -c "')[2].partition('"')[0]
        result = await run_command(folder, "psql", "-X", "-c", statement)
        assert (result.code, result.out) == (0, "INSERT 0 1\n")
    (_, _, insert, _) = await last_lines(folder)
    assert insert.endswith(
        'psql -c "insert into rowhook.commit (goal_id, data)'
        """ values ('goal_signup', '{\\"name\\": \\"Ada\\"}')\""""
    )


def test_commands_are_printed_as_they_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.chdir(root)
    assert output.program() == "bin/rowhook"
    monkeypatch.chdir(tmp_path)
    assert output.program() == str(root / "bin" / "rowhook")


@pytest.mark.long
async def test_a_second_ctrl_c_leaves_nothing_behind(folder: Path, receiver: Receiver) -> None:
    receiver.script("/in", stall())
    variables: dict[str, Any] = {"ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
    async with running_command(folder, "up", "--port", "0", **variables) as up:
        assert up.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while not (line := (await up.stdout.readline()).decode()).startswith("  Listen"):
                assert line
        await send_one(folder, f"{receiver.url}/in", variables)
        await receiver.wait_for(1)
        up.send_signal(signal.SIGINT)
        # Signals that are pending together would be one.
        await until(partial(has_handled_signals, up.pid))
        up.send_signal(signal.SIGINT)
        result = await wait_for_exit(up)
    assert result.code == 128 + signal.SIGINT, result.err
    assert "Traceback" not in result.err
    assert command_lines_with(folder) == []
    assert not {".s.PGSQL.5432", "postmaster.pid"} & {*names_in(folder)}


async def has_handled_signals(pid: int) -> bool:
    """Whether no signal is pending for a process."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")  # noqa: ASYNC240  # not a disk
    return re.search(r"^ShdPnd:\s+0+$", status, re.MULTILINE) is not None


async def send_one(folder: Path, url: str, variables: dict[str, Any]) -> None:
    """Creates a webhook for a goal and inserts a commit, as in the first tutorial."""
    for command in (
        ["psql", "-X", "-c", run_commands.FIRST_GOAL],
        ["webhooks", "create", "--name", "slow", "--url", url],
        ["link", "slow", "--goal", "goal_signup"],
        ["psql", "-X", "-c", run_commands.first_commit("goal_signup")],
    ):
        result = await run_command(folder, *command, **variables)
        assert result.code == 0, result


TRIED = "rowhook.attempt_row a join rowhook.outbox o on o.id = a.outbox_id"
SENT = "outcome in ('delivered', 'http_status')"
COUNTED = (
    "(select sum(status_2xx + status_3xx + status_4xx + status_5xx + timeout + refused + held)"
    " from rowhook.attempts_by_quarter)"
)
COUNTED_FOR_ORGANIZATIONS = (
    "(select sum(attempts) from"
    " rowhook.organization_counts(null, '2 d', now() - '2 d'::interval, '31 d'))"
)
COUNTED_DEAD = "(select sum(dead) from rowhook.attempts_by_quarter)"
# Facts that the dashboard of the demo must show: (question, answer).
HISTORY = (
    ("select count(*) from rowhook.organization", "3"),
    ("select count(*) from rowhook.webhook", "12"),
    ("select count(distinct date_trunc('hour', created_at)) >= 24 from rowhook.outbox", "t"),
    ("select count(*) > 0 from rowhook.outbox where status = 'held'", "t"),
    ("select count(*) > 0 from rowhook.outbox where status = 'dead'", "t"),
    ("select count(*) from rowhook.lane_state where failing_since < now() - '2 h'::interval", "1"),
    ("select max(p95_ms) > 1000 from rowhook.webhook_health", "t"),
    # Nothing happened before its cause, or in the future.
    ("select count(*) from rowhook.outbox where finished_at < created_at", "0"),
    ("select count(*) from rowhook.attempt_row where started_at > now()", "0"),
    (f"select count(*) from {TRIED} where a.started_at < o.created_at", "0"),
    (f"select count(*) from rowhook.attempt where {SENT} and request is null", "0"),
    ("select count(*) from rowhook.capture_gap", "0"),
    # The counts of attempts are those of the attempts.
    (f"select {COUNTED} = (select count(*) from rowhook.attempt_row)", "t"),
    (f"select {COUNTED_FOR_ORGANIZATIONS} = {COUNTED}", "t"),
    (f"select {COUNTED_DEAD} = (select count(*) from rowhook.outbox where status = 'dead')", "t"),
)


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--own-tables",)], ids=["ours", "own tables"])
async def test_the_demo_stays_with_a_day_of_history(folder: Path, options: tuple[str, ...]) -> None:
    async with running_command(folder, "demo", "--stay", "--port", "0", *options) as demo:
        assert demo.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while not (line := (await demo.stdout.readline()).decode()).startswith("  Insert"):
                assert line
        data_dir = line.rsplit(maxsplit=1)[1]
        statements = ";".join(statement for statement, _ in HISTORY)
        result = await run_command(folder, "psql", "--data-dir", data_dir, "-AtX", "-c", statements)
    assert result.out.split() == [answer for _, answer in HISTORY]
