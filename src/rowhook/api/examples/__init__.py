"""The documents that OpenAPI shows: one small world, the same ids throughout; a noun a file."""
