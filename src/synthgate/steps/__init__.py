"""Gather, decide, carry out: one step per duty, over a whole batch."""
