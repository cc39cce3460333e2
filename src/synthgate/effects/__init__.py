"""What we do to the world: labels on content, and the store labelled objects lie in."""
