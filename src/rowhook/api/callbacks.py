"""Callbacks for web pages: `/v1/sessions/{id}/callbacks`, an event stream (WHATWG HTML, 9.2).

Each process listens on one connection, and wakes the streams of a session, which then read.
"""
