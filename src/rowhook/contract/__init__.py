"""What the outputs of a goal ask of a commit, told before it is made. Pure.

It reasons about templates and schemas; whether an output would be sent is compose's to say.
"""

from rowhook.contract.bring_back import Ask, Asked, Lost, bring_back
from rowhook.contract.commit_schema import Output, commit_schema
from rowhook.contract.explain import CommitFault, explain, not_the_data
from rowhook.contract.tool import Format, commit_tool

__all__ = [
    "Ask",
    "Asked",
    "CommitFault",
    "Format",
    "Lost",
    "Output",
    "bring_back",
    "commit_schema",
    "commit_tool",
    "explain",
    "not_the_data",
]
