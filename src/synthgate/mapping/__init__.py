"""A platform's own events turned into ours, and decisions into its own shape, by a file of expressions."""
