"""The page on which people grade products, one pair at a time."""
