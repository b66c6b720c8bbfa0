"""A connection that cannot be opened is reported with the message of the server and advice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.cli import error_messages
from rowhook.db import connection_errors, connection_pool
from rowhook.db.connection_errors import Cause, ConnectionFailed
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import Unreachable
from tests.support.commands import run_command
from tests.support.deadline import DEADLINE_S
from tests.support.servers import every_server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, every_server]


@pytest.fixture
async def login_without_roles(dsn: str, db: psycopg.AsyncConnection) -> AsyncIterator[str]:
    """A login without memberships."""
    name = f"stranger_{uuid4().hex[:12]}"
    await db.execute(f"create role {name} login".encode())
    yield make_conninfo(dsn, user=name)
    await db.execute(f"drop role {name}".encode())


async def wait_for_failure(pool: Pool) -> None:
    """Waits until a connection attempt of the pool has failed."""

    async def connection_failed() -> bool:
        return pool.get_stats().get("connections_errors", 0) > 0

    await until(connection_failed, description="a failed attempt to connect")


async def failed_command(dsn: str, *, role: bool = False) -> tuple[int | None, str]:
    """Returns the exit code and the error output of a command."""
    with pytest.raises(Unreachable) as caught:
        if role:
            async with connection_pool.open_pool(dsn, role="rowhook_worker") as pool:
                await wait_for_failure(pool)
                async with pool.connection(timeout=1):
                    pass
        await connection_pool.connect(dsn)
    assert isinstance(caught.value, Exception)
    return error_messages.exit_code(caught.value), "\n".join(
        error_messages.message_lines(caught.value)
    )


async def test_a_pool_reports_why_it_could_not_set_its_role(login_without_roles: str) -> None:
    code, message = await failed_command(login_without_roles, role=True)
    assert code == 3
    assert 'No connection within 1 s: permission denied to set role "rowhook_worker"' in message
    assert "Run rowhook doctor" in message


async def test_a_pool_reports_a_missing_role(dsn: str) -> None:
    async with connection_pool.open_pool(dsn, role="no_such_role") as pool:
        await wait_for_failure(pool)
        with pytest.raises(ConnectionFailed, match="does not exist") as caught:
            async with pool.connection(timeout=1):
                pass
    assert connection_errors.cause_of(caught.value) is Cause.NO_ROLE


async def test_a_pool_reports_the_connection_limit_of_the_login(
    login_without_roles: str, db: psycopg.AsyncConnection
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(login_without_roles)["user"]
    await db.execute(f"alter role {name} connection limit 0".encode())
    code, message = await failed_command(login_without_roles, role=True)
    assert code == 3
    assert f'too many connections for role "{name}"' in message
    assert "raise the limit" in message


async def test_a_pool_with_all_connections_in_use_does_not_blame_the_server(dsn: str) -> None:
    async with connection_pool.open_pool(dsn, size=1) as pool, pool.connection():
        with pytest.raises(Unreachable) as caught:
            async with pool.connection(timeout=0.1):
                pass
    assert not isinstance(caught.value, ConnectionFailed)
    assert isinstance(caught.value, psycopg.Error)
    assert connection_errors.cause_of(caught.value) is Cause.POOL_BUSY


async def test_a_pool_that_reconnected_does_not_report_an_earlier_failure(
    login_without_roles: str, db: psycopg.AsyncConnection
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(login_without_roles)["user"]
    async with connection_pool.open_pool(
        login_without_roles, size=1, role="rowhook_worker"
    ) as pool:
        await wait_for_failure(pool)
        with pytest.raises(ConnectionFailed):
            async with pool.connection(timeout=0.5):
                pass
        await db.execute(f"grant rowhook_worker to {name}".encode())
        async with pool.connection(timeout=DEADLINE_S):
            with pytest.raises(Unreachable) as caught:
                async with pool.connection(timeout=0.1):
                    pass
    assert not isinstance(caught.value, ConnectionFailed)


async def test_a_first_connection_reports_a_missing_database(dsn: str) -> None:
    code, message = await failed_command(make_conninfo(dsn, dbname="nowhere"))
    assert code == 3
    assert message.startswith("Cannot connect to the database: connection to server ")
    assert 'database "nowhere" does not exist\nCreate the database' in message


async def test_a_first_connection_reports_a_missing_login(dsn: str) -> None:
    code, message = await failed_command(make_conninfo(dsn, user="nobody_here"))
    assert code == 3
    assert 'role "nobody_here" does not exist\nCreate that login' in message


async def test_a_first_connection_reports_a_login_without_connect(
    login_without_roles: str, db: psycopg.AsyncConnection
) -> None:
    await db.execute(f"revoke connect on database {db.info.dbname} from public".encode())
    code, message = await failed_command(login_without_roles)
    assert code == 3
    assert f'permission denied for database "{db.info.dbname}"' in message
    assert "Grant CONNECT" in message


async def test_a_first_connection_reports_a_closed_port() -> None:
    code, message = await failed_command("postgresql://rowhook@127.0.0.1:1/app")
    assert code == 3
    assert "Connection refused" in message
    assert "Nothing accepts connections there" in message


async def test_a_first_connection_reports_an_unknown_host() -> None:
    code, message = await failed_command("postgresql://rowhook@database.invalid/app")
    assert code == 3
    assert "failed to resolve host 'database.invalid'" in message
    assert "Check the host name" in message


async def test_a_command_reports_an_unreachable_database_and_exits_3(
    dsn: str, folder: Path
) -> None:
    ended = await run_command(folder, "status", DATABASE_URL=make_conninfo(dsn, dbname="nowhere"))
    ended.refused(3, 'database "nowhere" does not exist', "Create the database, or use another one")


async def test_the_setting_whose_address_failed_is_named(dsn: str, folder: Path) -> None:
    wrong = make_conninfo(dsn, dbname="nowhere")
    ended = await run_command(folder, "migrate", DATABASE_URL=dsn, DATABASE_DIRECT_URL=wrong)
    ended.refused(3, 'database "nowhere" does not exist', "use another one in DATABASE_DIRECT_URL.")
    databases = f"eu:\n  url: {json.dumps(dsn)}\nus:\n  url: {json.dumps(wrong)}\n"
    ended = await run_command(folder, "migrate", ROWHOOK_DATABASES=databases)
    ended.refused(3, "use another one in url of us in ROWHOOK_DATABASES.")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('FATAL:  password authentication failed for user "app"', Cause.PASSWORD),
        ("fe_sendauth: no password supplied", Cause.PASSWORD),
        ("FATAL:  SASL authentication failed", Cause.PASSWORD),
        ('FATAL:  Peer authentication failed for user "app"', Cause.NOT_ADMITTED),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "app", no encryption',
            Cause.NOT_ADMITTED,
        ),
        ("FATAL:  connection requires a valid client certificate", Cause.NOT_ADMITTED),
        ('FATAL:  role "app" is not permitted to log in', Cause.NO_LOGIN),
        ('FATAL:  role "rowhook_worker" does not exist', Cause.NO_LOGIN),
        ("FATAL: no such database: app", Cause.NO_DATABASE),
        ("FATAL:  sorry, too many clients already", Cause.TOO_MANY),
        (
            (
                "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER"
                " attribute"
            ),
            Cause.TOO_MANY,
        ),
        ("FATAL:  no more connections allowed (max_client_conn)", Cause.TOO_MANY),
        ("FATAL:  the database system is starting up", Cause.STARTING),
        ("FATAL:  the database system is not yet accepting connections", Cause.STARTING),
        ("SSL error: certificate verify failed", Cause.CERTIFICATE),
        ('root certificate file "/root/.postgresql/root.crt" does not exist', Cause.CERTIFICATE),
        ('server certificate for "db" does not match host name "10.0.0.1"', Cause.CERTIFICATE),
        ("server does not support SSL, but SSL was required", Cause.TLS),
        ("connection timeout expired", Cause.SILENT),
        ("No route to host\n\tIs the server running on that host?", Cause.SILENT),
        (
            "failed to resolve host 'db': [Errno -3] Temporary failure in name resolution",
            Cause.UNKNOWN_HOST,
        ),
        ("FATAL:  Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen", Cause.OTHER),
    ],
)
def test_the_text_of_a_refused_connection_contains_its_cause(text: str, cause: Cause) -> None:
    assert (
        connection_errors.cause_of(psycopg.OperationalError(f"connection failed: {text}")) is cause
    )


def test_every_cause_has_advice() -> None:
    for cause in set(Cause) - {Cause.INTERRUPTED}:
        assert error_messages._ADVICE[cause].endswith(".")
