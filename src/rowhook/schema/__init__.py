"""JSON Schema, fenced: compiles half-trusted schemas and checks untrusted data within a fixed cost.

It never opens a socket or a file, never backtracks, and never puts a value into a message.
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
