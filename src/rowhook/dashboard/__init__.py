"""The dashboard: server-rendered pages over the operations that the API calls, without own SQL.

Each request has the scopes and the organization of its session's API key. Pages work without
JavaScript, which adds live updates, the editor and keyboard shortcuts.
"""

from rowhook.dashboard.live import Streams
from rowhook.dashboard.refusals import not_found_page
from rowhook.dashboard.routes import routes

__all__ = ["Streams", "not_found_page", "routes"]
