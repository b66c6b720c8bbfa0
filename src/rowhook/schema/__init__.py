"""JSON Schema validation of untrusted data with untrusted schemas, within a fixed budget.

Remote references are never fetched, patterns run in linear time, and messages contain no values.
"""

from rowhook.schema.compile import Schema, SchemaRejected, compile_schema
from rowhook.schema.fault import Fault, pointer_to
from rowhook.schema.parse import NotJson, parse_instance

__all__ = [
    "Fault",
    "NotJson",
    "Schema",
    "SchemaRejected",
    "compile_schema",
    "parse_instance",
    "pointer_to",
]
