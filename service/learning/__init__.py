"""Weights learned from judgements or clicks, and what they are worth on queries not seen."""
