"""Signatures, sealed secrets and redaction."""
