"""The page on which ranking weights are learned, and what came of it is read."""
