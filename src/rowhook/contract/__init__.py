"""What the outputs of a goal ask of a commit, told before it is made. Pure.

It reasons about templates and schemas; whether an output would be sent is compose's to say.
"""

from rowhook.contract.bring_back import Ask, Asked, Lost, derive_requirements
from rowhook.contract.commit_schema import Output, commit_schema
from rowhook.contract.explain import CommitFault, explain, webhook_fault
from rowhook.contract.tool import Format, commit_tool

__all__ = [
    "Ask",
    "Asked",
    "CommitFault",
    "Format",
    "Lost",
    "Output",
    "commit_schema",
    "commit_tool",
    "derive_requirements",
    "explain",
    "webhook_fault",
]
