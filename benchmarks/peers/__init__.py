"""Peers beside ours: the same data and queries, in one run on one machine."""
