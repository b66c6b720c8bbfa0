"""The official JSON Schema Test Suite: the required cases of the supported drafts."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rowhook.schema.reader import parse_instance
from rowhook.schema.schema_compiler import SchemaRejected, compile_schema
from tests.support.scoreboard import score

pytestmark = pytest.mark.hazards
SUITE = Path(__file__).with_name("corpus") / "json_schema_test_suite.tar.xz"
DRAFTS = {
    "draft7": ("http://json-schema.org/draft-07/schema#", 900, 0),
    "draft2019-09": ("https://json-schema.org/draft/2019-09/schema", 1_200, 0),
    "draft2020-12": ("https://json-schema.org/draft/2020-12/schema", 1_250, 19),
}
# docs/reference/webhook.md: formats are asserted. The suite of 2020-12 treats them as annotations.
MOST_FENCED = 60
ASSERTED = "is only an annotation by default"
# Rejected on purpose: remote references, and subschemas with another dialect.
FENCES = (
    "points outside the schema. Remote schemas are not fetched.",
    "Unknown dialect",
)


def cases(draft: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    with tarfile.open(SUITE) as suite:
        for member in suite:
            if member.name.startswith(f"{draft}/") and (file := suite.extractfile(member)):
                for group in json.load(file):
                    for test in group["tests"]:
                        name = f"{member.name}: {group['description']}: {test['description']}"
                        yield name, group["schema"], test


@pytest.mark.long
@pytest.mark.parametrize("draft", DRAFTS)
def test_the_required_cases_pass_or_are_excluded_with_a_reason(draft: str) -> None:
    uri, least, asserted = DRAFTS[draft]
    ends: Counter[str] = Counter()
    wrong = []
    for name, schema, test in cases(draft):
        document = {"$schema": uri} | schema if isinstance(schema, dict) else schema
        try:
            faults = compile_schema(document).faults(parse_instance(json.dumps(test["data"])))
        except SchemaRejected as refused:
            reasons = [message for _, message in refused.faults]
            ends["fenced"] += 1
            if not all(any(fence in reason for fence in FENCES) for reason in reasons):
                wrong.append((name, reasons))
            continue
        if (not faults) is test["valid"]:
            ends["passed"] += 1
        elif name.startswith("draft2020-12/format.json") and name.endswith(ASSERTED):
            ends["format asserted"] += 1
        else:
            wrong.append((name, [str(case) for case in faults]))
    assert wrong == []
    score(
        f"JSON Schema Test Suite, {draft}, required",
        required="as in the suite, except formats and excluded keywords",
        measured=f"{sum(ends.values())} cases: {dict(ends)}",
        holds=sum(ends.values()) >= least
        and ends["fenced"] <= 60
        and ends["format asserted"] == asserted,
    )
