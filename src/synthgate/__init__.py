"""Synthgate: a compliance chain for AI generation events on the event bus."""

__version__ = "0.1.0"
