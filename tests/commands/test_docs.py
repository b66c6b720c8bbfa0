"""The documentation: its code blocks run, its links are valid, and its pages are complete."""

from __future__ import annotations

import json
import re
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
import pytest
import yaml
from psycopg import sql

from foreign_files import foreign_file
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import compile_webhook
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from tests.support.doc_blocks import (
    EVERYWHERE,
    PAGES,
    PROSE,
    ROOT,
    TESTED,
    Block,
    blocks,
    read,
    runnable,
)

pytestmark = pytest.mark.anyio
WEBHOOK = UUID("00000000-0000-4000-8000-0000000000b1")
# A file or folder of the repository; not if the path contains `…` or placeholders.
PATH = re.compile(r"`((?:sql|src|tests|docs|bin|examples|assets|deploy)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES)
def test_every_code_block_is_run_or_has_a_reason(page: str) -> None:
    text = read(page)
    assert text.count("```") == 2 * len(blocks(page)), "a block that cannot be read"
    for block in blocks(page):
        tested = TESTED.get((page, block.language))
        if block.not_run is None and block.language not in {*EVERYWHERE, PROSE}:
            assert tested is not None, f"{block.place}: no test runs {block.language or 'this'}"
        if tested is not None:
            assert page in (ROOT / tested).read_text("utf-8"), f"{tested} does not name {page}"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_in_a_page_exists(page: str) -> None:
    for path in PATH.findall(read(page)):
        assert (ROOT / path).exists(), path


def test_no_page_names_a_file_outside_the_repository() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page)):
            path = ((ROOT / page).parent / target).resolve()
            is_generated = path.parent == ROOT / "docs/reference"
            assert path.exists() or is_generated, f"{page}: {target}"


@pytest.mark.parametrize(
    ("html", "is_foreign"),
    [
        ('<script src="https://cdn.example.com/x.js"></script>', True),
        ("<img alt=x src='//cdn.example.com/x.png'>", True),
        ('<link rel="stylesheet" href="https://fonts.example.com/css">', True),
        ('<link rel="canonical" href="https://docs.example.com/">', False),
        ('<script src="../assets/x.js"></script>', False),
        ('<a href="https://www.standardwebhooks.com">Standard Webhooks</a>', False),
    ],
)
def test_a_page_that_loads_an_external_file_is_detected(
    html: str,
    is_foreign: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    assert (foreign_file(html) is not None) is is_foreign


def test_the_readme_has_a_limited_length() -> None:
    assert len(read("README.md").splitlines()) <= 200


@pytest.mark.parametrize("page", runnable("json"))
def test_json_blocks_parse_and_their_webhooks_compile(page: str) -> None:
    for block in runnable("json")[page]:
        document = json.loads(block.text)
        if isinstance(document, dict) and {"name", "url"} <= document.keys():
            compile_configuration(document)


def compile_configuration(document: dict[str, Any]) -> None:
    identity = {"id": WEBHOOK, "organization_id": WEBHOOK, "revision": 1, "secrets_version": 1}
    value = msgspec.convert(document, Configuration)
    compile_webhook(value, identity=identity, brand="Roxels")


@pytest.mark.parametrize("page", runnable("jinja"))
def test_template_blocks_compile(page: str) -> None:
    for block in runnable("jinja")[page]:
        compile_template(block.text, OutputContext.JSON)


@pytest.mark.parametrize("page", runnable("yaml"))
def test_yaml_blocks_parse(page: str) -> None:
    for block in runnable("yaml")[page]:
        assert yaml.safe_load(block.text), block.place


# Objects that the commands of the pages use: a platform, a webhook, a delivery, tables.
STAGE = """
alter sequence rowhook.outbox_id_seq restart with 4711;
insert into rowhook.organization (id, name)
  values ('11111111-1111-4111-8111-111111111111', 'Acme');
insert into rowhook.goal (id, organization_id, name)
  values ('goal_onboarding', '11111111-1111-4111-8111-111111111111', 'Onboarding');
insert into rowhook.session (id, organization_id)
  values ('session_1', '11111111-1111-4111-8111-111111111111');
select rowhook.create_webhook(
  '{"name": "CRM", "url": "https://crm.example.com/", "kind": "http", "method": "POST",
    "metadata": {}, "headers": {}, "raw_payload": false, "event_types": [], "timeout_s": 15,
    "max_in_flight": 10, "ordered": false, "retry_schedule_s": [0],
    "required_paths": [{"root": "data", "path": ["email"]}]}',
  '11111111-1111-4111-8111-111111111111', '00000000-0000-4000-8000-0000000000b1', '{}', 'sealed');
select rowhook.link_goal('00000000-0000-4000-8000-0000000000b1', 'goal_onboarding');
insert into rowhook.commit (goal_id, data) values ('goal_onboarding', '{}');
select rowhook.heartbeat(gen_random_uuid(), 'host', 1, 0);
create table public.runs (
  id bigint primary key, agent bigint, customer text, state text, payload jsonb,
  started_at timestamptz, finished_at timestamptz);
create table public.captures (id bigint primary key, goal text, fields jsonb);
create table public.bots (id bigint primary key, title text, customer text);
"""


@pytest.mark.new_database
@pytest.mark.parametrize("page", runnable("sql"))
async def test_the_sql_blocks_of_a_page_run_in_order(
    db: psycopg.AsyncConnection, superuser: psycopg.AsyncConnection, page: str
) -> None:
    await db.execute(STAGE)
    # Roles outlive the database of a test, and the page chooses their names: remove them.
    async with superuser.transaction(force_rollback=True):
        await superuser.execute("create role platform")
        for block in runnable("sql")[page]:
            await run(superuser, block)


async def run(db: psycopg.AsyncConnection, block: Block) -> None:
    """Runs a block to its end, or to its documented error."""
    script = cast("sql.SQL", block.text)
    if block.fails is None:
        await db.execute(script)
        return
    with pytest.raises(psycopg.Error) as refused:
        async with db.transaction():
            await db.execute(script)
    assert refused.value.sqlstate == block.fails, block.place
