"""JSON Schema with a budget: untrusted schemas and data within a fixed cost."""
