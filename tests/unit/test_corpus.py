"""Bodies as public services want them: each is saved without warnings and rendered exactly.

A file of `tests/corpus` has the template, the data, and the expected body in `body`; also
`content_type`, `context`, `headers`, `url`, `method` and `kind` (commit or job) if they are not the
usual ones. `steering` lists the keys of data that the template compares or looks up. The line break
before a closing ''' is not part of a text. `ROWHOOK_WRITE_BODIES=1` writes the bodies again.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import msgspec
import pytest

from rowhook.model import Event
from rowhook.render.save_checks import check_before_save
from rowhook.services.sample_data import sample_data
from tests.support.rendering import compile_fields, configuration, rendered_request
from tests.unit.test_presets import event

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.toml"))
FEWEST = 60
HOSTILE = '"\\\n</x>]]>&y=1#\u2028{{ commit_id }}{% if %}\N{PILE OF POO}'
_TIME = re.compile(r"\d{4}-\d\d-\d\d")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def text_of(case: dict[str, Any], name: str, default: str = "") -> str:
    """Returns a text of a case without its last line break, unless that is CR LF."""
    text = str(case.get(name, default))
    return text if text.endswith("\r\n") else text.removesuffix("\n")


def fields_of(case: dict[str, Any]) -> dict[str, Any]:
    """Returns the configuration of a case."""
    content_type = {"Content-Type": case["content_type"]} if "content_type" in case else {}
    return {
        "name": "corpus",
        "url": case.get("url", "https://api.example.com/v1/items"),
        "method": case.get("method", "POST"),
        "headers": content_type | case.get("headers", {}),
        "body_template": text_of(case, "template"),
        "condition": case.get("condition"),
    }


def event_of(case: dict[str, Any]) -> Event:
    is_commit = case.get("kind", "commit") == "commit"
    sample = event(None, "Acme & Söhne", is_commit=is_commit)
    data, context = text_of(case, "data"), text_of(case, "context", '{"tenant": "acme"}')
    return msgspec.structs.replace(sample, data=data, context=context)


def write_body(path: Path, body: str) -> None:
    """Writes the rendered body into a file of the corpus, to be reviewed."""
    head = path.read_text("utf-8").split("\nbody = ", 1)[0].rstrip("\n")
    literal = json.dumps(body) if _CONTROL.search(body) else f"'''\n{body}\n'''"
    path.write_text(f"{head}\nbody = {literal}\n", "utf-8")


def parsed(case: dict[str, Any], body: str) -> Any:
    """Parses a body by its Content-Type; other bodies than JSON, XML and forms are None."""
    media = case.get("content_type", "application/json").partition(";")[0]
    if media == "application/json" or media.endswith("+json"):
        return json.loads(body)
    if media == "application/x-ndjson":
        return [json.loads(line) for line in body.split("\n") if line]
    if media == "application/x-www-form-urlencoded":
        return parse_qsl(body, keep_blank_values=True, strict_parsing=True)
    if media.endswith("xml"):
        return [(element.tag, element.text) for element in ET.fromstring(body).iter()]  # noqa: S314  # our own
    return None


def shape(value: Any) -> Any:
    """Returns a value without keys, texts and numbers; a JSON text in a text is read as well."""
    if isinstance(value, dict):
        return ("object", *map(shape, value.values()))
    if isinstance(value, list | tuple):
        return [shape(item) for item in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        with suppress(ValueError):
            return ("JSON", shape(json.loads(value)))
    return type(value).__name__


def with_suffix(value: Any, steering: Sequence[str]) -> Any:
    """Appends hostile characters to the texts in data, but not to times and under steering keys."""
    if isinstance(value, dict):
        return {
            key: member if key in steering else with_suffix(member, steering)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [with_suffix(item, steering) for item in value]
    is_plain = isinstance(value, str) and value != "" and not _TIME.match(value)
    return value + HOSTILE if is_plain else value


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= FEWEST


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_body_is_saved_without_warnings_and_rendered_exactly(path: Path) -> None:
    case = tomllib.loads(path.read_text("utf-8"))
    fields = fields_of(case)
    assert compile_fields(**fields).warnings == ()
    findings = check_before_save(configuration(**fields))
    assert (findings.faults, findings.warnings) == ([], [])
    request = rendered_request(event_of(case), **fields)
    body = (request.body or b"").decode()
    parsed(case, body)
    if os.environ.get("ROWHOOK_WRITE_BODIES") == "1":
        write_body(path, body)
        return
    assert body == text_of(case, "body")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_body_keeps_its_structure_with_hostile_texts(path: Path) -> None:
    case = tomllib.loads(path.read_text("utf-8"))
    data = with_suffix(json.loads(case["data"]), case.get("steering", ()))
    hostile = case | {"data": json.dumps(data)}
    fields = fields_of(case) | {"headers": {"Content-Type": case.get("content_type", "")}}
    fields["url"] = "https://api.example.com/"
    body = (rendered_request(event_of(hostile), **fields).body or b"").decode()
    assert shape(parsed(case, body)) == shape(parsed(case, text_of(case, "body")))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_body_is_rendered_with_generated_data(path: Path) -> None:
    case = tomllib.loads(path.read_text("utf-8"))
    fields = fields_of(case)
    is_commit = case.get("kind", "commit") == "commit"
    generated = sample_data(compile_fields(**fields), None, is_commit=is_commit)
    sample = case | {name: json.dumps(value) for name, value in generated.items()}
    parsed(case, (rendered_request(event_of(sample), **fields).body or b"").decode())
