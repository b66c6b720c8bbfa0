"""The documentation pages and their code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
)
# Languages that are not executed: output and diagrams.
PROSE = "text"
# Languages whose blocks test_docs.py and test_docs_shell.py run on every page.
EVERYWHERE = frozenset({"sql", "json", "jinja", "yaml", "sh"})
# Blocks that have their own test: page and language → the file of the test.
TESTED = {
    ("docs/how-to/portal.md", "html"): "tests/browser/test_portal_frame.py",
    ("docs/how-to/portal.md", "python"): "tests/browser/test_portal_frame.py",
    ("docs/how-to/verify-requests.md", "python"): "tests/commands/test_docs_receivers.py",
    ("docs/how-to/verify-requests.md", "js"): "tests/commands/test_docs_receivers.py",
    ("docs/how-to/verify-requests.md", "go"): "tests/commands/test_docs_receivers.py",
    ("docs/how-to/verify-requests.md", "sh"): "tests/commands/test_docs_receivers.py",
    ("docs/tutorial/first-webhook.md", "sh"): "tests/commands/test_docs_tutorial.py",
    ("docs/tutorial/first-webhook.md", "sql"): "tests/commands/test_docs_tutorial.py",
}
_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<marker>not run|fails): (?P<reason>[^\n]+) -->\n(?P=indent))?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced code block of a page.

    `not_run` is the reason why no test runs it. `fails` is the SQLSTATE that it ends with.
    """

    page: str
    section: str
    line: int
    language: str
    text: str
    not_run: str | None
    fails: str | None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(page: str, language: str | None = None, section: str | None = None) -> list[Block]:
    """Returns the blocks of a page, optionally of one language and under one `##` heading."""
    return [
        block
        for block in _blocks(page)
        if language in {None, block.language} and section in {None, block.section}
    ]


def _blocks(page: str) -> Iterator[Block]:
    text = read(page)
    for match in _BLOCK.finditer(text):
        before = text[: match.start()]
        headings = re.findall(r"^## (.+)$", before, re.MULTILINE)
        indent, marker = match["indent"], match["marker"]
        yield Block(
            page=page,
            section=headings[-1] if headings else "",
            line=before.count("\n") + 1,
            language=match["language"],
            text="".join(
                line.removeprefix(indent) for line in match["text"].splitlines(keepends=True)
            ),
            not_run=match["reason"] if marker == "not run" else None,
            fails=match["reason"] if marker == "fails" else None,
        )


def runnable(language: str) -> dict[str, list[Block]]:
    """Returns the blocks of a language that the tests of all pages run, by page."""
    by_page = {
        page: [block for block in blocks(page, language) if block.not_run is None]
        for page in PAGES
        if (page, language) not in TESTED
    }
    return {page: page_blocks for page, page_blocks in by_page.items() if page_blocks}
