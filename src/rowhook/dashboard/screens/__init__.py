"""The pages: each file parses its requests, calls operations, and renders templates."""
