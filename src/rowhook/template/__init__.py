"""The bounded template language, compiled into closures.

Jinja's parser reads a template, and an allow-list of syntax nodes decides what is supported. The
package does no I/O, and never evaluates data as a template.
"""

from .compiled import ROOTS, Condition, PathUse, Template, compile_condition, compile_template
from .faults import RenderFault, TemplateFault, TemplateFaults
from .filters import FILTERS
from .holes import NO_DEFAULT, Block, Placeholder, read_parts
from .json_text import parse_json
from .limits import MAX_HEADER, MAX_JSON_DEPTH, MAX_OUTPUT, MAX_SOURCE, MAX_STEPS, MAX_URL
from .lookups import path_name, read_path_name
from .place import OutputContext, body_context
from .rendered import Rendered
from .values import Number

__all__ = [
    "FILTERS",
    "MAX_HEADER",
    "MAX_JSON_DEPTH",
    "MAX_OUTPUT",
    "MAX_SOURCE",
    "MAX_STEPS",
    "MAX_URL",
    "NO_DEFAULT",
    "ROOTS",
    "Block",
    "Condition",
    "Number",
    "OutputContext",
    "PathUse",
    "Placeholder",
    "RenderFault",
    "Rendered",
    "Template",
    "TemplateFault",
    "TemplateFaults",
    "body_context",
    "compile_condition",
    "compile_template",
    "parse_json",
    "path_name",
    "read_parts",
    "read_path_name",
]
