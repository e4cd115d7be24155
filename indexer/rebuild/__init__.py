"""Building the next version of an index while the live one serves."""
