"""A sent request as a curl command line, with secrets redacted as `[secret:<id>]`."""

from __future__ import annotations

import shlex
from typing import Any

# Linux limits one argument of a program to 128 KiB. Longer commands would also bloat the page.
_LONGEST = 32 * 1024


def as_curl(request: dict[str, Any]) -> str:
    """Format `{method, url, headers, body}` as a shell command."""
    parts = [f"curl -g -i -X {shlex.quote(request['method'])}"]
    parts += [f"-H {shlex.quote(_header(name, value))}" for name, value in request["headers"]]
    body = request["body"]
    is_long = body is not None and len(body) > _LONGEST
    if is_long:
        parts.append("--data-binary @body")
    elif body is not None:
        # With -d, a body that begins with @ would be read as a file name.
        parts.append(f"--data-raw {shlex.quote(body)}")
    parts.append(f"--url {shlex.quote(request['url'])}")
    note = (
        f"# Save the body ({len(body):,} characters) in a file named body first.\n"
        if is_long
        else ""
    )
    return note + " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    """Format a header. For curl, `Name:` removes a header and `Name;` sends an empty one."""
    return f"{name}: {value}" if value else f"{name};"
