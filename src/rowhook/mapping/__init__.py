"""Proposes a mapping for `rowhook.watch_…` from the columns of a table. No I/O."""

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
