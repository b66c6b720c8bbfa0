"""A platform, its customers' endpoints and every way that a delivery can go, in one run."""

from rowhook.demo.script import OWN_TABLES, ROWHOOK_TABLES, Ground, Story, prepare
from rowhook.demo.verdict import judge

__all__ = ["OWN_TABLES", "ROWHOOK_TABLES", "Ground", "Story", "judge", "prepare"]
