"""Adds a field to webhooks in a copy of the sources, as CONTRIBUTING.md describes it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rowhook.db import connection_pool
from rowhook.security.vault import generate_master_key
from tests.support.commands import run_command

ROOT = Path(__file__).parents[2]
# A new file for the table, and a replacement in each other file.
NEW_FILE = "sql/tables/9999_priority.sql"
COLUMN = "alter table rowhook.webhook add column priority int not null default 0;\n"
EDITS: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    "sql/functions/70_webhooks.sql": (
        r"\b((?:w\.|input\.)?)ordered,",
        lambda match: {
            "input.": "input.ordered, coalesce(input.priority, 0),",
        }.get(match[1], f"{match[1]}ordered, {match[1]}priority,"),
    ),
    "src/rowhook/render/configuration.py": (
        r"(    ordered: bool = False\n)",
        r"\1    priority: int = 0\n",
    ),
    "src/rowhook/services/webhook_documents.py": (
        r"(    ordered: bool\n)",
        r"\1    priority: int\n",
    ),
    "src/rowhook/dashboard/editor_form.py": (
        r"(NUMBER_FIELDS = \(\n)",
        r'\1    EditorField("priority", "Priority"),\n',
    ),
    "docs/reference/webhook.md": (
        r"(\| `ordered` [^\n]*\n)",
        r"\1| `priority` | 0 | a number |\n",
    ),
}

pytestmark = pytest.mark.anyio


@pytest.fixture
def sources(folder: Path) -> Path:
    """A copy of the sources in which webhooks have a field more."""
    copy = folder / "sources"
    for name in ("src", "sql", "docs/reference"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / NEW_FILE).write_text(COLUMN)
    for name, (pattern, replacement) in EDITS.items():
        text = (copy / name).read_text()
        edited = re.sub(pattern, replacement, text)
        assert edited != text, name
        (copy / name).write_text(edited)
    return copy


@pytest.mark.long
async def test_a_new_field_is_stored_shown_and_edited(
    sources: Path, folder: Path, empty_dsn: str
) -> None:
    (folder / "webhook.json").write_text(
        json.dumps({"name": "CRM", "url": "https://example.com/", "priority": 7})
    )
    variables: Any = {
        "PYTHONPATH": f"{sources / 'src'}:{folder}",
        "DATABASE_URL": empty_dsn,
        "ROWHOOK_MASTER_KEYS": generate_master_key(),
    }
    migrated = await run_command(folder, "migrate", **variables)
    assert migrated.code == 0, migrated.err
    async with await connection_pool.connect(empty_dsn) as connection:
        await connection.execute("insert into rowhook.organization (name) values ('Acme')")
    create = ("webhooks", "create", "--file", "webhook.json", "--json")
    created = await run_command(folder, *create, **variables)
    assert created.code == 0, created.err
    assert json.loads(created.out)["priority"] == 7
    # A process of the previous release does not name the field.
    async with await connection_pool.connect(empty_dsn) as connection:
        cursor = await connection.execute(
            "select rowhook.change_webhook((rowhook.configuration(w)::jsonb - 'priority')::json,"
            " w.organization_id, w.id, '{}', 1), rowhook.create_webhook("
            " (rowhook.configuration(w)::jsonb - 'priority')::json,"
            " w.organization_id, gen_random_uuid(), '{}', '') from rowhook.webhook w"
        )
        assert await cursor.fetchall() == [(1, 1)]
        cursor = await connection.execute(
            "select priority from rowhook.webhook order by created_at, priority desc"
        )
        assert await cursor.fetchall() == [(7,), (0,)]
    (folder / "edit.py").write_text(
        "from rowhook.dashboard.editor_form import draft_of, fields_of\n"
        "from rowhook.render.configuration import Configuration\n"
        "fields = fields_of(Configuration(name='a', url='https://example.com/', priority=7))\n"
        "print(fields['priority'], draft_of(fields | {'priority': '8'}).document.priority)\n"
    )
    edited = await run_command(folder, module="edit", **variables)
    assert edited.out == "7 8\n", edited.err


def test_a_new_field_takes_six_files_and_contributing_names_them() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("### A field of a webhook")[2].partition("\n### ")[0]
    named = re.findall(r"^\d\. `([^`]+)`", section, re.MULTILINE)
    assert named == [NEW_FILE.rpartition("/")[0], *EDITS]
    assert len(named) <= 6
