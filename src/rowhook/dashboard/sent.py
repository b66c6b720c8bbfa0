"""A request as Rowhook sent it, as a command line: its secrets stand there as `[secret:<id>]`."""

from __future__ import annotations

import shlex
from typing import Any

# To a program one argument may be 128 KiB (Linux), and no page shows a longer one.
_LONGEST = 32 * 1024


def as_sent(request: dict[str, Any]) -> str:
    """A command for a shell, of `{method, url, headers, body}`. It sends nothing by itself."""
    parts = [f"curl -g -i -X {shlex.quote(request['method'])}"]
    parts += [f"-H {shlex.quote(_header(name, value))}" for name, value in request["headers"]]
    body = request["body"]
    is_long = body is not None and len(body) > _LONGEST
    if is_long:
        parts.append("--data-binary @body")
    elif body is not None:
        # Not -d: it would take a body that begins with @ for the name of a file.
        parts.append(f"--data-raw {shlex.quote(body)}")
    parts.append(f"--url {shlex.quote(request['url'])}")
    said = f"# The body, of {len(body):,} characters, is in a file named body.\n" if is_long else ""
    return said + " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    """To curl a name and a colon alone mean: leave this header out."""
    return f"{name}: {value}" if value else f"{name};"
