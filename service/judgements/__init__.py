"""Judgement lists: read from files, stored in the cluster, opened by path or name."""
