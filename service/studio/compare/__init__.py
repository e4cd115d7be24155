"""Two ways to rank one query, side by side."""
