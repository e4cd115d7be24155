"""Queries in, ranked products out: the Flask service and the stages of a search."""
