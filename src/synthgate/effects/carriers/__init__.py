"""Implicit labels in files: one format a file, each with its place."""
