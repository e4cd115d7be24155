"""Vectors for an index that a shop has filled itself: in its documents, or in a companion."""
