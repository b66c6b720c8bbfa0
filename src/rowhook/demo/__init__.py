"""The demo: a platform, receivers, and a delivery of every kind."""

from rowhook.demo.script import OWN_TABLES, ROWHOOK_TABLES, Platform, Story, prepare
from rowhook.demo.verdict import find_faults

__all__ = ["OWN_TABLES", "ROWHOOK_TABLES", "Platform", "Story", "find_faults", "prepare"]
