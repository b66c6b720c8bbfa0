"""From a claim and a webhook to the request to send: rendered, validated, signed.

The worker, test sends and previews share it; it never sends and never asks the database.
"""

from rowhook.compose.configuration import (
    Configuration,
    ConfigurationRejected,
    Fault,
    read_configuration,
    to_json,
)
from rowhook.compose.headers import header_warnings
from rowhook.compose.payload import default_payload, rfc3339, session_of, variables
from rowhook.compose.request import compose
from rowhook.compose.webhook import (
    Webhook,
    compile_webhook,
    required_paths,
    used_secrets,
)

__all__ = [
    "Configuration",
    "ConfigurationRejected",
    "Fault",
    "Webhook",
    "compile_webhook",
    "compose",
    "default_payload",
    "header_warnings",
    "read_configuration",
    "required_paths",
    "rfc3339",
    "session_of",
    "to_json",
    "used_secrets",
    "variables",
]
