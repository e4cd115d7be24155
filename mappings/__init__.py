"""What the index is: product record, mapping, encoder identity, names, client and errors."""
