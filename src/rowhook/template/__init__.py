"""The bounded template language of CONTRACT §5, compiled once into closures.

Jinja's parser reads it, our own allow-list decides. Pure: it never reads a clock, environment,
file or network, and never evaluates data as a template.
"""

from .compiled import ROOTS, Condition, PathUse, Template, compile_condition, compile_template
from .faults import RenderFault, TemplateFault, TemplateFaults
from .filters import FILTERS
from .holes import NO_DEFAULT, Block, Hole, read_holes
from .json_text import parse_json
from .limits import MAX_HEADER, MAX_JSON_DEPTH, MAX_OUTPUT, MAX_SOURCE, MAX_STEPS, MAX_URL
from .lookups import path_name, read_path_name
from .place import Place, body_place
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
    "Hole",
    "Number",
    "PathUse",
    "Place",
    "RenderFault",
    "Rendered",
    "Template",
    "TemplateFault",
    "TemplateFaults",
    "body_place",
    "compile_condition",
    "compile_template",
    "parse_json",
    "path_name",
    "read_holes",
    "read_path_name",
]
