"""A platform, its customers' endpoints and every way that a delivery can go, in one run."""

from rowhook.demo.script import Story, prepare
from rowhook.demo.verdict import judge

__all__ = ["Story", "judge", "prepare"]
