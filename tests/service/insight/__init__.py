"""Tests of what is recorded of searches, and of the figures made from it."""
