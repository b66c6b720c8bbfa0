"""Removes secrets from untrusted text, such as responses, in every likely encoding.

Values of fewer than 4 characters are not redacted, because that would make texts unreadable. The
requests of Rowhook itself are redacted by their placeholders.
"""

from rowhook.redact.redactor import Redactor

__all__ = ["Redactor"]
