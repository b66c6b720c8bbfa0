"""The HTTP face of Rowhook: handlers a noun a file, one call down each."""

from rowhook.api.application import application

__all__ = ["application"]
