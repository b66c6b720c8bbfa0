"""Operations of users, one module per kind of object, for the API, dashboard, commands and MCP."""
