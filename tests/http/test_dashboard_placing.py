"""Where the editor marks what is wrong with a field."""

from __future__ import annotations

from typing import Any

import pytest

from rowhook.dashboard.editor_form import draft_of, fields_of
from rowhook.dashboard.fault_positions import faults_by_field, locate_faults
from rowhook.render.configuration import Fault
from tests.http.test_dashboard_form import BEGUN

SCHEMA = """{
  "type": "object",
  "properties": {
    "a": {"type": "objekt"}
  }
}"""


@pytest.mark.parametrize(
    ("fault", "text", "place"),
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
def test_a_fault_stands_where_its_field_has_it(fault: Fault, text: str, place: Any) -> None:
    name = fault.pointer.split("/")[1]
    (found,) = locate_faults([fault, Fault(pointer=f"/{name}s", message="another's")], name, text)
    assert (found["line"], found["column"]) == place
    assert faults_by_field([fault], None, {name: text}) == [{"field": name} | found]


def test_what_is_no_json_is_marked_where_it_stops_being_it() -> None:
    typed = {"schema": '\n{\n  "type": objekt\n}', "metadata": "{,", "headers": "X: 1\nnothing"}
    found = {
        one.pointer: (one.line, one.column) for one in draft_of(fields_of(BEGUN) | typed).faults
    }
    assert found == {"/schema": (3, 11), "/metadata": (1, 2), "/headers": (2, None)}
