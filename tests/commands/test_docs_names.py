"""Everything that the documentation names exists: columns, functions, commands, settings, calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec
import psycopg
import pytest
import rich_click as click

from metric_table import installation_metrics, process_metrics, request_metrics, worker_metrics
from openapi_page import openapi_document
from rowhook.cli import rowhook
from rowhook.mapping.source_fields import FIELDS
from rowhook.model import Verdict
from rowhook.render.configuration import Configuration
from rowhook.render.payload import default_payload, variable_names
from rowhook.settings import NAMES, environment_name
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from rowhook.template.filters import FILTERS
from rowhook.template.json_values import parse_json
from tests.engine.test_payload import AT, event
from tests.support.doc_blocks import PAGES, ROOT, blocks, read

pytestmark = pytest.mark.anyio
# Read by bin/test and by tests.
TEST_VARIABLES = {
    "ROWHOOK_FUZZ_S",
    "ROWHOOK_FAULTS_SERVER",
    "ROWHOOK_WRITE_SCHEMA",
    "ROWHOOK_SOAK_DELIVERIES",
}
# Settings of PostgreSQL roles and databases, modules of the Python package, and names in traces.
OTHER_NAMES = {"notify", "verify", *("deliver", "render", "send", "outcome", "event_type")}
TABLES = "docs/reference/tables-and-views.md"
RELATIONS = re.findall(r"^### `rowhook\.(\w+)`$", read(TABLES), re.MULTILINE)


def code_matches(pattern: str) -> Iterator[re.Match[str]]:
    """Returns the matches of a pattern in all pages, including code blocks."""
    for page in PAGES:
        yield from re.finditer(pattern, read(page), re.MULTILINE)


def rows(page: str, section: str) -> list[list[str]]:
    """Returns the cells of the table under a heading, without its header."""
    text = re.split(rf"^#+ {re.escape(section)}$", read(page), flags=re.MULTILINE)[1]
    text = re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r" \| ", line[1:-1])] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("relation", RELATIONS)
async def test_the_columns_of_a_table_or_view_are_documented(
    db: psycopg.AsyncConnection, relation: str
) -> None:
    cursor = await db.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and not attisdropped",
        (f"rowhook.{relation}",),
    )
    columns = {name for (name,) in await cursor.fetchall()}
    documented = {name for row in rows(TABLES, f"`rowhook.{relation}`") for name in names(row[0])}
    # Other columns of the outbox are internal.
    assert documented <= columns if relation == "outbox" else documented == columns


async def test_every_documented_function_exists(db: psycopg.AsyncConnection) -> None:
    signatures = re.findall(r"`(rowhook\.\w+\([^`]*\))`", read("docs/reference/functions.md"))
    assert len(signatures) >= 15
    for signature in signatures:
        await db.execute("select %s::regprocedure", (signature,))


def test_every_sql_object_named_in_a_page_exists() -> None:
    schema = (ROOT / "tests/engine/schema.sql").read_text("utf-8")
    existing = set(re.findall(r"^CREATE (?:\w+ )*rowhook\.(\w+)", schema, re.MULTILINE))
    named = {match[1] for match in code_matches(r"(?<![/\w.])rowhook\.(\w+)")}
    assert named - existing - OTHER_NAMES == set()


def test_the_fields_of_every_kind_of_source_are_documented() -> None:
    page = "docs/reference/functions.md"
    documented = {row[0]: set(names(row[1])) for row in rows(page, "Sources") if row[0] in FIELDS}
    fields = {kind: {field.name for field in FIELDS[kind]} for kind in FIELDS}
    fields["jobs"] |= {"status_map"}
    assert documented == fields


def test_every_field_of_a_webhook_is_documented_with_its_default() -> None:
    documented = {names(row[0])[0]: row[1] for row in rows("docs/reference/webhook.md", "Webhook")}
    assert documented.keys() == set(Configuration.__struct_fields__)
    plain = msgspec.to_builtins(Configuration(name="x"))
    for field, default in documented.items():
        if not default.startswith("required"):
            assert json.loads(default.strip("`")) == plain[field], field


def test_every_variable_of_templates_is_documented() -> None:
    listed = {
        name for row in rows("docs/reference/templates.md", "Variables") for name in names(row[0])
    }
    assert listed - {"data.…", "context.…", "{{secret:ID}}"} == set(variable_names())


def test_every_filter_is_documented() -> None:
    documented = {
        name.partition("(")[0]
        for row in rows("docs/reference/templates.md", "Filters")
        for name in names(row[0])
    }
    assert documented == set(FILTERS)


def test_template_examples_render_as_written() -> None:
    page = "docs/reference/templates.md"
    (data,) = blocks(page, "json", "Examples")
    examples = rows(page, "Examples")
    assert len(examples) >= 9
    for row in examples:
        template, result = names(" | ".join(row))
        rendered = compile_template(template, OutputContext.TEXT).render(
            {"data": parse_json(data.text)}
        )
        assert rendered.redacted() == result


OPERATIONAL_SNAPSHOT = (
    '{"organization":{"id":"o1","name":"Acme"},'
    '"webhook":{"id":"w1","name":"CRM","state":"disabled"},"reason":"r"}'
)


def test_the_default_payloads_have_the_documented_keys() -> None:
    page = "docs/reference/wire-format.md"
    documented = [json.loads(block.text) for block in blocks(page, "json")]
    events = (
        event("job.succeeded"),
        event("goal.committed"),
        event("webhook.disabled", snapshot=OPERATIONAL_SNAPSHOT),
    )
    for payload, about in zip(documented, events, strict=True):
        assert keys_of(payload) == keys_of(json.loads(default_payload(about, AT)))


def keys_of(payload: dict[str, object]) -> list[tuple[str, list[str]]]:
    """The keys of an object and of nested objects, except those of the platform."""
    inner = {key: value for key, value in payload.items() if key != "data"}
    return [(key, list(value) if isinstance(value, dict) else []) for key, value in inner.items()]


def test_every_outcome_is_documented() -> None:
    listed = rows("docs/reference/errors.md", "Outcomes of an attempt")
    assert [names(row[0])[0] for row in listed] == [verdict.value for verdict in Verdict]


def test_every_sqlstate_is_documented() -> None:
    raised = {
        state
        for path in (ROOT / "sql").rglob("*.sql")
        for state in re.findall(r"'(RH\d{3})'", path.read_text("utf-8"))
    }
    assert {names(row[0])[0] for row in rows("docs/reference/errors.md", "SQLSTATEs")} == raised


def test_every_metric_named_in_its_page_exists() -> None:
    tables = (worker_metrics, installation_metrics, request_metrics, process_metrics)
    served = "".join(table() for table in tables)
    existing = set(re.findall(r"^\| `(rowhook_\w+)", served, re.MULTILINE))
    named = set(re.findall(r"\browhook_\w+", read("docs/how-to/monitor.md"))) - {"rowhook_reader"}
    assert len(named) >= 10
    assert named - existing == set()


def test_every_command_named_in_a_page_exists() -> None:
    context = click.Context(rowhook, info_name="rowhook")
    # bin/rowhook runs the benchmark of a clone; the wheel does not contain it.
    assert "= bench ]" in (ROOT / "bin/rowhook").read_text()
    commands = {*rowhook.list_commands(context), "bench"}
    named = {match[1] for match in code_matches(r"(?:`|^ *)(?:bin/)?rowhook ([a-z]+)")}
    assert len(named) >= 15
    assert named - commands == set()


def test_every_setting_named_in_a_page_exists() -> None:
    settings = {environment_name(name) for name in NAMES}
    named = {
        match[0].removesuffix("_FILE")
        for match in code_matches(r"\b(?:ROWHOOK|DATABASE)_[A-Z_]+\b")
    }
    assert named - settings - TEST_VARIABLES == set()


def test_every_api_call_named_in_a_page_exists() -> None:
    calls = {
        (method.upper(), re.sub(r"\{\w+\}", "*", path))
        for path, item in openapi_document()["paths"].items()
        for method in item
    }
    named = {
        (match[1], re.sub(r"\{\w+\}|crm-token|\b12\b", "*", match[2]))
        for match in code_matches(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`?]*)")
    }
    assert len(named) >= 15
    assert named - calls == set()


def test_every_term_of_the_glossary_is_used_in_another_page_and_in_order() -> None:
    glossary = "docs/reference/glossary.md"
    terms = re.findall(r"^\*\*(.+)\*\*$", read(glossary), re.MULTILINE)
    assert terms == sorted(terms, key=str.lower)
    text = "\n".join(read(page) for page in PAGES if page != glossary).lower().replace("-", " ")
    assert [term for term in terms if not re.search(rf"\b{re.escape(term.lower())}", text)] == []


def test_every_package_is_on_the_page_of_the_architecture() -> None:
    page = read("docs/explanation/architecture.md")
    modules = [path for path in (ROOT / "src/rowhook").iterdir() if not path.name.startswith("_")]
    packages = [path for path in modules if path.suffix == ".py" or (path / "__init__.py").exists()]
    named = [f"`{path.relative_to(ROOT)}`" for path in packages]
    assert [name for name in named if name not in page] == []
