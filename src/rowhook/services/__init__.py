"""Operations of users, by noun; the API, the dashboard, the command line and MCP share it."""
