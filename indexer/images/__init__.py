"""Photos in: which addresses are fetched, how, what is decoded, and what is kept."""
