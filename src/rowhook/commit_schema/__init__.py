"""The JSON Schema of what an agent must commit to a goal, derived from its outputs."""
