"""Control groups: one interface over v2 and v1, limits and statistics."""
