"""How long to wait for what must come."""

from __future__ import annotations

PATIENCE = 280.0
"""Seconds after which something hangs. No test is about them, so they are many, for a machine that is busy."""
