"""Tests. How Hypothesis runs in all of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Hypothesis fails an example after 200 ms, and data that is generated slowly: a busy machine.
settings.register_profile("rowhook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rowhook")
