"""The REST API: one file of handlers per resource."""

from rowhook.api.application import application

__all__ = ["application"]
