"""Trainings of ranking weights that the API was asked for: one process each, one at a time."""
