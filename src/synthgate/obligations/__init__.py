"""What we decide: one pure file per duty."""
