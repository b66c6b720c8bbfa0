"""From the columns of a platform's table to a mapping for `rowhook.watch_…`; no I/O."""

from rowhook.mapping.fields import FIELDS, KINDS, Field
from rowhook.mapping.propose import Column, Proposal, Value, propose
from rowhook.mapping.statuses import completing, with_status_map

__all__ = [
    "FIELDS",
    "KINDS",
    "Column",
    "Field",
    "Proposal",
    "Value",
    "completing",
    "propose",
    "with_status_map",
]
