"""One webhook for each way a delivery can end, with secrets in every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

# The search uses the alphanumeric core of each canary.
CORES = {name: f"c4n4ry{token_hex(6)}" for name in ("url", "header", "body", "line", "net", "odd")}
SECRETS = {
    "url": CORES["url"],
    "header": f"sk_{CORES['header']}/+=&;",
    "body": f'<{CORES["body"]}>"\\&é\U0001f600',
    "line": f"a\r\nX-{CORES['line']}: b",
    "net": f"https://10.1.2.3/{CORES['net']}",
    # Bound to another host after its webhook is saved.
    "bound": f"bound-{CORES['header']}",
    "odd": f"no url {CORES['odd']} \x01",
}
FIELDS: Mapping[str, Any] = {
    "headers": {"X-Key": "{{secret:header}}", "Authorization": "Basic {{secret:url}}"},
    "body_template": '{"k": "{{secret:body}}", "n": {{data.n}}}',
    "retry_schedule_s": [0],
    "timeout_s": 30,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The differences from FIELDS, and the expected verdict.

    {http} and {https} are the URLs of the receiver, which is called at /<name>/<secret>.
    """

    verdict: str
    url: str = "{http}/{name}/{{{{secret:url}}}}?k={{{{secret:url}}}}"
    fields: Mapping[str, Any] = field(default_factory=dict)


def _with(verdict: str, **fields: Any) -> Ending:
    return Ending(verdict=verdict, fields=fields)


_STRICT = {"properties": {"k": {"maxLength": 3, "pattern": "^no$", "enum": ["a"], "const": 1}}}
ENDINGS: dict[str, Ending] = {
    "delivered": Ending(verdict="delivered"),
    "delivered-twice": Ending(verdict="delivered", fields={"retry_schedule_s": [0, 0]}),
    "failed": Ending(verdict="http_status"),
    "unknown": Ending(verdict="http_status"),
    "moved": Ending(verdict="http_status"),
    "later": Ending(verdict="http_status"),
    "gone": Ending(verdict="http_status"),
    "odd-status": Ending(verdict="response_invalid"),
    "garbage": Ending(verdict="response_invalid"),
    "bad-header": Ending(verdict="delivered"),
    "stalled": _with("timeout", timeout_s=1),
    "closed": Ending(verdict="connect_failed", url="http://127.0.0.1:9/{{{{secret:url}}}}"),
    "not-tls": Ending(verdict="tls_failed", url="{https}/{name}/{{{{secret:url}}}}"),
    "forbidden": Ending(verdict="target_forbidden", url="{{{{secret:net}}}}"),
    "no-url": Ending(verdict="render_failed", url="{{{{secret:odd}}}}"),
    "line-break": _with("render_failed", headers={"X-Key": "{{secret:line}}"}),
    "undefined": _with("render_failed", body_template='{"k": "{{secret:body}}{{data.gone}}"}'),
    "schema": _with("schema_failed", schema=_STRICT),
    "bound": _with("config_rejected", headers={"X-Key": "{{secret:bound}}"}),
}
