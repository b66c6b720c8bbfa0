"""Deliver: claim, render, send, record."""
