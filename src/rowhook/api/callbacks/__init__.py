"""Callbacks to pages: `/v1/sessions/{id}/callbacks`, an event stream (WHATWG HTML, 9.2).

One connection a process listens for all streams; each stream reads for itself when it is rung for.
"""

from rowhook.api.callbacks.bells import Bells, ringing
from rowhook.api.callbacks.module import module
from rowhook.api.callbacks.sessions import router

__all__ = ["Bells", "module", "ringing", "router"]
