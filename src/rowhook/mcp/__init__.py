"""The MCP server at `/mcp`, with the API's keys."""
