"""Measurements of throughput, latency, capture overhead and size, each with a baseline."""
