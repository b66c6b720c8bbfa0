"""The JSON Schema of commits to a goal, derived from its outputs."""
