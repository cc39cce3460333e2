"""Reviewers besides the feature library: services that score what is put in or comes out (DSP 10 ¶1)."""
