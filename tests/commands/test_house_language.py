"""The language of the repository: no mark of its first dialect, in code as in documents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "sql", "bench", "tests", "docs", "deploy", "examples", "bin", "assets")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
KINDS = {"", ".py", ".sql", ".md", ".html", ".js", ".mjs", ".css", ".sh", ".yml", ".yaml"}
# History, dumps of earlier releases, packages of others, and this list.
EXCLUDED = (
    "sql/tables/",
    "tests/engine/upgrade/",
    "src/rowhook/api/assets/",
    "src/rowhook/dashboard/static/vendor/",
    "tests/commands/test_house_language.py",
)
PARTICIPLES = "found|given|shown|said|wanted|asked|known|drawn|sought|told"
BEFORE_WHAT = (
    "of|from|for|in|to|with|by|on|than|but|as|beside|after|before|between|under|into|all|only|"
    "sees|reads|has|have|deletes|removes|accepts|finds|keeps|sends|counts|returns?|records?"
)
AFTER_NO = "longer|more|less|other|need|such|way|reason|fewer|later|earlier|better|worse"
# The mark, and an example of it with a sentence that replaces it.
MARKS = {
    "a clause instead of a noun": (
        rf"(?i)\b({BEFORE_WHAT})[\s#*-]+what\b(?!\s+(to|is wrong|is missing)\b)",
        "Return what it needs.",
        "Return its needs.",
    ),
    "a text that begins with a clause": (
        r'^[ \t]*(#|--|//|/\*|"""|\{#) ?What\b',
        '"""What the page reads."""',
        '"""The fields that the page reads."""',
    ),
    "a text that is the same as an unnamed one": (
        r'"""(The same|Like|As)\b',
        '"""The same, without secrets."""',
        '"""The request without secrets."""',
    ),
    "a name that says nothing": (
        r"\bfor one in\b",
        "for one in headers:",
        "for header in headers:",
    ),
    "a participle as a name": (
        rf"(^|[(,]) *(for )?({PARTICIPLES})( :?= (?!=)| in )",
        "    found = await finding()",
        "    check = await finding()",
    ),
    "a denial by no": (
        rf"(?i)(?<!there )\b(is|are|was|were) no (?!{AFTER_NO})\w",
        "It is no error.",
        "It is not an error.",
    ),
    "an old word": (
        r"(?i)\b(seldom|seldomer|anew|therein|whereof|thereof|all the same)\b",
        "It is planned anew.",
        "It is planned again.",
    ),
}


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_recognized(mark: str) -> None:
    pattern, example, replacement = MARKS[mark]
    assert re.search(pattern, example)
    assert not any(re.search(pattern, replacement) for pattern, _, _ in MARKS.values())


def test_no_text_has_a_mark_of_the_dialect() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS, *PAGES]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  # our own
    marked = []
    for name in listed.stdout.splitlines():
        if name.startswith(EXCLUDED) or (ROOT / name).suffix not in KINDS:
            continue
        text = (ROOT / name).read_text()
        for mark, (pattern, _, _) in MARKS.items():
            for match in re.finditer(pattern, text, re.MULTILINE):
                line = text.count("\n", 0, match.start()) + 1
                marked.append(f"{name}:{line}: {mark}: {match[0].strip()}")
    assert marked == []
