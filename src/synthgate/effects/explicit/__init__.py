"""Explicit labels: words people see, or a rhythm they hear, in the content itself (GB 45438-2025 part 5)."""
