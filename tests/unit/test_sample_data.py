"""Sample data has the types and keys that the templates use."""

from __future__ import annotations

from typing import Any

import pytest

from rowhook.services.fake_data import MOMENT
from rowhook.services.sample_data import sample_data
from tests.support.rendering import compile_fields

TEXT = "sample"


@pytest.mark.parametrize(
    ("template", "data"),
    [
        ("{{ data.a }}", {"a": "sample a"}),
        ("{{ data.a.b }}", {"a": {"b": "sample b"}}),
        ("{{ data.a[0].b }}", {"a": [{"b": "sample b"}]}),
        ("{{ data.a * 2 }}{{ -data.b }}{{ data.c | round }}", {"a": 1, "b": 1, "c": 1}),
        ("{{ '%s %d %%' | format(data.a, data.b) }}", {"a": "sample a", "b": 1}),
        ("{{ data.a | date }}", {"a": MOMENT}),
        ("{{ data.a | default(data.b | int) }}", {"a": "sample a", "b": 1}),
        ("{{ data.a | join(', ') }}", {"a": [TEXT]}),
        ("{{ data.a | sum(attribute='n.m') }}", {"a": [{"n": {"m": 1}}]}),
        ("{{ data.a | map(attribute='b') | max }}", {"a": [{"b": "sample b"}]}),
        (
            "{{ (data.a | selectattr('b', 'eq', 'x') | first).c }}",
            {"a": [{"b": "x", "c": "sample c"}]},
        ),
        ("{{ ['x', 'y'][data.a] }}", {"a": 0}),
        ("{% for i in data.a %}{{ i }}{% endfor %}", {"a": [TEXT]}),
        (
            "{% for i in data.a[:9] if i.n > 0 %}{{ i.b }}{% endfor %}",
            {"a": [{"n": 1, "b": "sample b"}]},
        ),
        (
            "{% for i in data.a %}{% for j in i.b %}{{ j.c + 1 }}{% endfor %}{% endfor %}",
            {"a": [{"b": [{"c": 1}]}]},
        ),
        ("{% for k, v in data.a.items() %}{{ v }}{% endfor %}", {"a": {TEXT: TEXT}}),
        (
            "{% for k, v in (data.a | items)[:2] %}{{ v.b }}{% endfor %}",
            {"a": {TEXT: {"b": "sample b"}}},
        ),
        ("{% for k, v in data.a %}{{ k ~ v }}{% endfor %}", {"a": [[TEXT, TEXT]]}),
        ("{% set x = data.a %}{% for i in x %}{{ i.b | int }}{% endfor %}", {"a": [{"b": 1}]}),
        ("{{ data[data.key] }}", {"key": "sample key", TEXT: TEXT}),
        (
            "{{ data.a[0].b }}{% for i in data.a %}{{ i.c }}{% endfor %}",
            {"a": [{"b": "sample b", "c": "sample c"}]},
        ),
    ],
)
def test_data_fits_the_template(template: str, data: Any) -> None:
    headers = {"Content-Type": "text/plain"}
    webhook = compile_fields(body_template=template, headers=headers)
    assert sample_data(webhook, None, is_commit=True)["data"] == data
