"""The screens, a noun a file: each reads its address, asks operations, and fills its template."""
