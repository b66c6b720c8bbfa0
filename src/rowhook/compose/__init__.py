"""From a claim and a webhook to the request to send: rendered, validated, signed.

The worker, test sends and previews share it; it never sends and never asks the database.
"""

from rowhook.compose.configuration import (
    EVENT_TYPES,
    Configuration,
    ConfigurationRejected,
    Fault,
    read_configuration,
    to_json,
)
from rowhook.compose.headers import added_headers, header_warnings, kept_headers
from rowhook.compose.partly import render_partly
from rowhook.compose.payload import default_payload, known_names, rfc3339, session_of, variables
from rowhook.compose.request import compose
from rowhook.compose.stands import broken_at, position_of, positions_of
from rowhook.compose.webhook import (
    Webhook,
    compile_webhook,
    required_paths,
    used_secrets,
)

__all__ = [
    "EVENT_TYPES",
    "Configuration",
    "ConfigurationRejected",
    "Fault",
    "Webhook",
    "added_headers",
    "broken_at",
    "compile_webhook",
    "compose",
    "default_payload",
    "header_warnings",
    "kept_headers",
    "known_names",
    "position_of",
    "positions_of",
    "read_configuration",
    "render_partly",
    "required_paths",
    "rfc3339",
    "session_of",
    "to_json",
    "used_secrets",
    "variables",
]
