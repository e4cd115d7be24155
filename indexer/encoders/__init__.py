"""Encoders: text (later photos) to embeddings, found by name in one registry."""
