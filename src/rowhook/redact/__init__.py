"""Takes secrets out of text that came from outside, in every encoding they may come back in. Pure.

A value of fewer than 4 characters is left alone: it would make every text unreadable, and our own
requests never show it, since they are shown from their placeholders.
"""

from rowhook.redact.redactor import Redactor

__all__ = ["Redactor"]
