"""The only package that talks to PostgreSQL: one function for each SQL function."""
