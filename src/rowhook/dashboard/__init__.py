"""The dashboard: pages for a browser over the operations that the API calls, never SQL of its own.

Each request is its visitor's: the rights and the organization of the key that the session stands
for. Pages work without JavaScript; what it adds is liveness, an editor and keys.
"""

from rowhook.dashboard.live import Streams
from rowhook.dashboard.refusals import lost
from rowhook.dashboard.routes import routes

__all__ = ["Streams", "lost", "routes"]
