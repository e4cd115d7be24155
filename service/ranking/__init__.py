"""Ranking weights as data, and the explanation of a rank in words."""
