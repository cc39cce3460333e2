"""Keys, seals, passes and tokens."""
