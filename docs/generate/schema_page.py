"""The page of SQL objects, from the committed schema dump and the files that define them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_HEAD = """\
# SQL objects

Everything that `rowhook migrate` creates in the schema `rowhook`, from the comments of the schema.
[Tables and views](tables-and-views.md) and [Functions](functions.md) describe the public part.
Objects listed here as internal may change in any release.

"""
_PUBLIC_ROLES = ("producer", "reader", "operator")
# Called by the owner of the schema, so granted to nobody.
_OF_THE_OWNER = re.compile(r"unwatch$|watch_(?:jobs|commits|organizations|agents|goals|sessions)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function with its comment and the roles that may call it."""

    name: str
    arguments: str
    result: str
    comment: str
    roles: tuple[str, ...]

    @property
    def is_public(self) -> bool:
        """Whether a role for people may call it."""
        return bool(self.roles) or bool(_OF_THE_OWNER.match(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its columns as the dump writes them."""

    name: str
    columns: tuple[str, ...]
    comment: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view with the names of its columns."""

    name: str
    columns: tuple[str, ...]
    comment: str
    roles: tuple[str, ...]


class Dump:
    """The content of the schema dump, by object."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._comments: dict[tuple[str, str], str] = {
            (kind, name): comment.replace("''", "'")
            for kind, name, comment in re.findall(
                r"^COMMENT ON (\w+) rowhook\.(.+?) IS '((?:[^']|'')*)';$", text, re.MULTILINE
            )
        }

        self._grants: dict[tuple[str, str], set[str]] = defaultdict(set)
        grant = r"^GRANT .* ON (FUNCTION|TABLE) rowhook\.(.+) TO rowhook_(\w+);$"
        for kind, name, role in re.findall(grant, text, re.MULTILINE):
            self._grants[kind, name].add(role)

    def functions(self) -> Iterator[Function]:
        """All functions, by name."""
        pattern = r"^CREATE FUNCTION rowhook\.(\w+)\((.*)\) RETURNS (.+)$"
        for name, arguments, result in re.findall(pattern, self._text, re.MULTILINE):
            plain = re.sub(r" DEFAULT (?:'[^']*'|[^,])*", "", arguments)
            signature = f"{name}({plain})"
            yield Function(
                name=name,
                arguments=arguments,
                result=result,
                comment=self._comments.get(("FUNCTION", signature), ""),
                roles=self._roles("FUNCTION", signature),
            )

    def tables(self) -> Iterator[Table]:
        """All tables but partitions, by name."""
        pattern = r"^CREATE (?:UNLOGGED )?TABLE rowhook\.(\w+) \(\n(.*?)\n\)"
        for name, body in re.findall(pattern, self._text, re.MULTILINE | re.DOTALL):
            columns = [line.strip().rstrip(",") for line in body.split("\n")]
            yield Table(
                name=name,
                columns=tuple(column for column in columns if not column.startswith("CONSTRAINT")),
                comment=self._comments.get(("TABLE", name), ""),
                roles=self._roles("TABLE", name),
            )

    def views(self) -> Iterator[View]:
        """All views, by name."""
        pattern = r"^CREATE VIEW rowhook\.(\w+) [^\n]*\n SELECT (.*?)\n   FROM"
        for name, listed in re.findall(pattern, self._text, re.MULTILINE | re.DOTALL):
            yield View(
                name=name,
                columns=tuple(_output_name(item) for item in _split(listed)),
                comment=self._comments.get(("VIEW", name), ""),
                roles=self._roles("TABLE", name),
            )

    def column_comment(self, table: str, column: str) -> str:
        """The comment of a column, or an empty text."""
        return self._comments.get(("COLUMN", f"{table}.{column}"), "")

    def _roles(self, kind: str, name: str) -> tuple[str, ...]:
        granted = self._grants[kind, name]
        return tuple(role for role in _PUBLIC_ROLES if role in granted)


def sql_page() -> str:
    """The whole page."""
    dump = Dump((ROOT / "tests/engine/schema.sql").read_text("utf-8"))
    functions, tables = list(dump.functions()), list(dump.tables())
    public = [table for table in tables if table.roles]
    internal = [table for table in tables if not table.roles]
    return "\n".join(
        (
            _HEAD,
            "## Public tables\n",
            *(_table(dump, table) for table in public),
            "## Views\n",
            *(_view(view) for view in dump.views()),
            "## Public functions\n",
            *(_function(function) for function in functions if function.is_public),
            "## Internal tables\n",
            *(_table(dump, table) for table in internal),
            "## Internal functions\n",
            *_by_file([function for function in functions if not function.is_public]),
        )
    )


def _split(listed: str) -> list[str]:
    """The items of a select list: split at the commas outside parentheses."""
    items, depth = [""], 0
    for character in listed:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return items


def _output_name(item: str) -> str:
    return re.split(r"[\s.]", item.strip())[-1]


def _view(view: View) -> str:
    roles = f"Granted to {_names(view.roles)}." if view.roles else "Internal."
    columns = ", ".join(f"`{column}`" for column in view.columns)
    return (
        f"### `rowhook.{view.name}`\n\n{_sentence(view.comment)} {roles}\n\nColumns: {columns}.\n"
    )


def _table(dump: Dump, table: Table) -> str:
    roles = f"Granted to {_names(table.roles)}.\n" if table.roles else ""
    rows = ""
    for column in table.columns:
        name, _, definition = column.partition(" ")
        comment = dump.column_comment(table.name, name)
        rows += f"| `{name}` | `{definition}` | {_cell(comment)} |\n"
    paragraphs = [f"### `rowhook.{table.name}`\n", _sentence(table.comment), roles]
    head = "\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
    return head + f"| column | definition | comment |\n|---|---|---|\n{rows}"


def _function(function: Function) -> str:
    roles = _names(function.roles) if function.roles else "the owner of the schema"
    return (
        f"### `rowhook.{function.name}`\n\n"
        f"```text\nrowhook.{function.name}({function.arguments}) returns {function.result}\n```\n\n"
        f"{_sentence(function.comment)} Callable by {roles}.\n".lstrip()
    )


def _by_file(functions: list[Function]) -> Iterator[str]:
    by_file: dict[str, list[Function]] = defaultdict(list)
    files = _files()
    for function in functions:
        by_file[files.get(function.name, "generated for each source")].append(function)
    for file in sorted(by_file):
        yield f"### {file}\n"
        yield "| function | comment |\n|---|---|"
        for function in by_file[file]:
            yield f"| `{function.name}` | {_cell(function.comment)} |"
        yield ""


def _files() -> dict[str, str]:
    """The file that defines each function."""
    definition = re.compile(r"create (?:or replace )?function rowhook\.(\w+)")
    return {
        name: str(path.relative_to(ROOT))
        for path in sorted((ROOT / "sql").rglob("*.sql"))
        for name in definition.findall(path.read_text("utf-8"))
    }


def _names(roles: tuple[str, ...]) -> str:
    return ", ".join(f"`rowhook_{role}`" for role in roles)


def _sentence(text: str) -> str:
    text = _cell(text).strip()
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ").replace("*", "\\*")
