"""What shoppers do with search results: taken in, made pseudonymous, kept for a time."""
