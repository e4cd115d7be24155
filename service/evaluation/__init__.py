"""Ranking quality on judgement lists."""
