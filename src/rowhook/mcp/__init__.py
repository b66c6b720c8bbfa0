"""The MCP server at `/mcp`: the agent's tools over streamable HTTP, under the keys of REST.

It stands on operations alone; who calls is decided as for REST, before a tool is looked at.
"""

from rowhook.mcp.door import open_mcp

__all__ = ["open_mcp"]
