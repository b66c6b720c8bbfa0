"""Renders, validates and signs the request of a delivery.

Shared by the worker, test sends and previews. It does not send, or access the database.
"""

from rowhook.compose.configuration import (
    EVENT_TYPES,
    Configuration,
    ConfigurationRejected,
    Fault,
    read_configuration,
    to_json,
)
from rowhook.compose.headers import added_headers, custom_header_names, header_warnings
from rowhook.compose.partly import render_partial
from rowhook.compose.payload import default_payload, rfc3339, session_of, variable_names, variables
from rowhook.compose.request import render_request
from rowhook.compose.stands import json_position, json_positions, syntax_error_position
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
    "compile_webhook",
    "custom_header_names",
    "default_payload",
    "header_warnings",
    "json_position",
    "json_positions",
    "read_configuration",
    "render_partial",
    "render_request",
    "required_paths",
    "rfc3339",
    "session_of",
    "syntax_error_position",
    "to_json",
    "used_secrets",
    "variable_names",
    "variables",
]
