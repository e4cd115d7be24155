"""The page of the versions of the weights."""
