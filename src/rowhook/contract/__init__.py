"""Derives what the outputs of a goal require of a commit, from their templates and schemas."""

from rowhook.contract.bring_back import (
    NotEnforced,
    Requirement,
    RequirementSet,
    derive_requirements,
)
from rowhook.contract.commit_schema import Output, commit_schema
from rowhook.contract.explain import CommitFault, explain, webhook_fault
from rowhook.contract.tool import Format, commit_tool

__all__ = [
    "CommitFault",
    "Format",
    "NotEnforced",
    "Output",
    "Requirement",
    "RequirementSet",
    "commit_schema",
    "commit_tool",
    "derive_requirements",
    "explain",
    "webhook_fault",
]
