"""Pages for a browser, over the same services as the API."""
