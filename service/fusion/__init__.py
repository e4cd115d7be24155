"""Leg scores to one score: calibration and the family of fusion methods."""
