"""The page of the REST API, from the document that `/schema/openapi.json` serves."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from rowhook.api.application import application
from rowhook.services.context import ServerContext

Json = dict[str, Any]
_HEAD = """\
# REST API

{description}

The same document is served by every `rowhook api` at `/schema/openapi.json`, and as a page at
`/schema`. [How to use the API](../how-to/rest-api.md) explains keys, scopes, errors and paging.

"""


def openapi_document() -> Json:
    """The document. It depends on the routes alone, so no database is opened."""
    ctx = SimpleNamespace(standby=None)
    server_ctx = SimpleNamespace(pool=None, ctx=ctx, direct_dsn=None, cors_origins=())
    return application(cast("ServerContext", server_ctx)).openapi_schema.to_schema()


def api_page() -> str:
    """The whole page: a section for each tag, the schemas at the end."""
    document = openapi_document()
    parts = [_HEAD.format(description=document["info"]["description"])]
    for tag, operations in _by_tag(document).items():
        parts.append(f"## {tag}\n")
        parts.extend(_operation(*operation) for operation in operations)
    parts.append("## Schemas\n")
    parts.extend(_schema(name, it) for name, it in document["components"]["schemas"].items())
    return "\n".join(parts)


def _by_tag(document: Json) -> dict[str, list[tuple[str, str, Json]]]:
    by_tag: dict[str, list[tuple[str, str, Json]]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_tag[operation["tags"][0]].append((method.upper(), path, operation))
    return by_tag


def _operation(method: str, path: str, operation: Json) -> str:
    parts = [
        f"### {operation['summary']} {{ #{operation['operationId']} }}\n",
        f"`{method} {path}`\n",
        _text(operation["description"]) + "\n",
    ]
    if parameters := operation.get("parameters"):
        rows = "".join(_parameter(parameter) for parameter in parameters)
        parts.append("| parameter | in | type | meaning |\n|---|---|---|---|\n" + rows)
    if body := operation.get("requestBody"):
        parts.append("Request:" + "".join(_content(body)) + "\n")
    for code, response in operation["responses"].items():
        if code < "300" and response.get("content"):
            parts.append(f"Response {code}:" + "".join(_content(response)) + "\n")
    errors = [
        f"{code} ({_text(response['description'])})"
        for code, response in operation["responses"].items()
        if code >= "400"
    ]
    if errors:
        parts.append("Errors: " + "; ".join(errors) + ".\n")
    return "\n".join(parts)


def _parameter(parameter: Json) -> str:
    required = "" if parameter.get("required") else ", optional"
    meaning = _cell(parameter.get("description", ""))
    kind = _type(parameter["schema"])
    return f"| `{parameter['name']}` | {parameter['in']}{required} | {kind} | {meaning} |\n"


def _content(body: Json) -> Iterator[str]:
    for media, content in body["content"].items():
        yield f" {_type(content['schema'])} as `{media}`\n"
        for example in content.get("examples", {}).values():
            yield "\n" + _example(example["value"])


def _example(value: object) -> str:
    if isinstance(value, str):
        return f"```text\n{value.rstrip()}\n```\n"
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```\n"


def _schema(name: str, schema: Json) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"| `{field}`{' (required)' if field in required else ''} | {_type(of)} |"
        f" {_cell(of.get('description', ''))} |\n"
        for field, of in schema.get("properties", {}).items()
    )
    table = f"| field | type | meaning |\n|---|---|---|\n{rows}" if rows else ""
    text = _text(schema.get("description", ""))
    return f"### {name} {{ #schema-{name.lower()} }}\n\n{text}\n\n{table}"


def _type(schema: Json) -> str:
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[-1]
        return f"[{name}](#schema-{name.lower()})"
    for keyword in ("oneOf", "anyOf"):
        if choices := schema.get(keyword):
            return " or ".join(_type(choice) for choice in choices)
    if values := schema.get("enum"):
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    kind = schema.get("type", "any")
    name = kind if isinstance(kind, str) else " or ".join(kind)
    if name == "array":
        return f"array of {_type(schema.get('items', {}))}"
    return f"{name} ({schema['format']})" if "format" in schema else name


def _text(text: str) -> str:
    return text.replace("<", "&lt;")


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|").replace("\n", " ")
