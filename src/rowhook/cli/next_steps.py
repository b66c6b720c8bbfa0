"""The four lines that `rowhook up` ends with: dashboard, API key, insert, listen."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from rowhook.cli.startup import actor
from rowhook.egress.policy import IPV4_LOOPBACK
from rowhook.services import access, lookups, sessions
from rowhook.services.access import SCOPES
from rowhook.services.context import ServerContext, ServiceContext

_CLONE = Path(__file__).parents[3]
FIRST_GOAL = (
    "with acme as (insert into rowhook.organization (name) values ('Acme') returning id)"
    " insert into rowhook.goal (id, organization_id) select 'goal_signup', id from acme"
)
_COMMIT = """insert into rowhook.commit (goal_id, data) values ('{}', '{{"name": "Ada"}}')"""
_SPECIAL = re.compile(r'["$`\\]')


def program() -> str:
    """Returns how to call this command from here: `rowhook`, or `bin/rowhook` in a clone."""
    script = _CLONE / "bin" / "rowhook"
    if shutil.which("rowhook") is not None or not script.is_file():
        return "rowhook"
    folder = Path.cwd()
    inside = script.is_relative_to(folder)
    return shlex.quote(str(script.relative_to(folder) if inside else script))


async def lines(server_ctx: ServerContext, url: str, *, creates_key: bool) -> list[str]:
    """Returns the four lines. With `creates_key`, creates an operator key if there is none."""
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, actor())
    return [
        f"  Dashboard  {await dashboard_line(server_ctx, url)}",
        f"  API key    {await key_line(ctx, server_ctx.admin_key, creates_key=creates_key)}",
        f"  Insert     {await _insert(ctx)}",
        f"  Listen     {_listen(ctx)}",
    ]


async def dashboard_line(server_ctx: ServerContext, url: str) -> str:
    """Creates a sign-in link to the dashboard and returns it with its limits."""
    link = await sessions.make_link(server_ctx.pool)
    return f"{url}/sign-in/link?token={link}  (signs in once, within 15 minutes)"


async def key_line(ctx: ServiceContext, admin_key: str | None, *, creates_key: bool) -> str:
    """Returns a new operator key, or how to get one."""
    if creates_key and not (await access.list_keys(ctx, limit=1)).items:
        key = await access.create_key(ctx, None, "first key", list(SCOPES))
        return f"{key.key}  (operator key with all scopes, shown only once)"
    if admin_key is not None:
        return "the value of ROWHOOK_ADMIN_KEY  (operator key with all scopes)"
    scopes = " ".join(f"--scope {scope}" for scope in ("read", "write"))
    return f"{program()} keys create --name NAME {scopes}"


async def _insert(ctx: ServiceContext) -> str:
    goals = (await lookups.list_goals(ctx, limit=1)).items
    if goals:
        return f"{program()} psql -c {_quoted(first_commit(goals[0].id))}"
    return f"{program()} psql -c {_quoted(FIRST_GOAL)}  (a first organization and goal)"


def first_commit(goal: str) -> str:
    """Returns a statement that inserts a commit of a goal."""
    return _COMMIT.format(goal.replace("'", "''"))


def _quoted(statement: str) -> str:
    """Quotes a statement for a shell in double quotes, since it contains single ones."""
    return '"' + _SPECIAL.sub(lambda match: f"\\{match[0]}", statement) + '"'


def _listen(ctx: ServiceContext) -> str:
    command = f"{program()} listen  (prints and verifies the requests to http://127.0.0.1:9000"
    if ctx.policy.loopback():
        return f"{command})"
    return f"{command}; to allow them, restart with ROWHOOK_ALLOW_NETWORKS={IPV4_LOOPBACK})"
