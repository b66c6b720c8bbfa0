"""Rowhook: insert a row, get a webhook."""
