"""Bring a database to this version."""
