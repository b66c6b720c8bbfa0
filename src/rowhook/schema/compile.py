"""Compiles a schema: dialect, size, metaschema, references and patterns, with all faults at once."""
