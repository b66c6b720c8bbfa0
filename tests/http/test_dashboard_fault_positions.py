"""Positions of faults in the fields of the editor."""

from __future__ import annotations

from typing import Any

import pytest

from rowhook.dashboard.editor_form import draft_of, fields_of
from rowhook.dashboard.editor_hints import faults_by_field, locate_faults
from rowhook.render.configuration import Fault
from tests.http.test_dashboard_form import CONFIGURATION

SCHEMA = """{
  "type": "object",
  "properties": {
    "a": {"type": "objekt"}
  }
}"""


@pytest.mark.parametrize(
    ("fault", "text", "position"),
    [
        (Fault(pointer="/schema/properties/a/type", message=""), SCHEMA, (4, 19)),
        (Fault(pointer="/schema/properties/a/const", message=""), SCHEMA, (4, 10)),
        (Fault(pointer="/schema", message=""), "\n " + SCHEMA, (2, 2)),
        (Fault(pointer="/schema", message="", line=3, column=4), "{", (3, 4)),
        (Fault(pointer="/headers/X-A", message="", line=1, column=3), "X: 1\nX-A:  {{x}}", (2, 9)),
        (Fault(pointer="/headers/X~1A", message=""), "X: 1\nX/A: b", (2, None)),
        (Fault(pointer="/headers", message=""), "X: 1", (1, None)),
        (Fault(pointer="/body_template", message="", line=2, column=5), "", (2, 5)),
    ],
)
def test_a_fault_is_located_in_its_field(fault: Fault, text: str, position: Any) -> None:
    name = fault.pointer.split("/")[1]
    (located,) = locate_faults([fault, Fault(pointer=f"/{name}s", message="another's")], name, text)
    assert (located["line"], located["column"]) == position
    assert faults_by_field([fault], None, {name: text}) == [{"field": name} | located]


def test_invalid_json_is_marked_where_parsing_fails() -> None:
    typed = {"schema": '\n{\n  "type": objekt\n}', "metadata": "{,", "headers": "X: 1\nnothing"}
    located = {
        fault.pointer: (fault.line, fault.column)
        for fault in draft_of(fields_of(CONFIGURATION) | typed).faults
    }
    assert located == {"/schema": (3, 11), "/metadata": (1, 2), "/headers": (2, None)}
