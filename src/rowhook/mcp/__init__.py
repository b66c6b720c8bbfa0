"""The MCP server at `/mcp`: tools for agents over streamable HTTP.

It authenticates with the API keys of the REST API, and is built on operations.
"""

from rowhook.mcp.door import open_mcp

__all__ = ["open_mcp"]
