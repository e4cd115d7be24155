"""What a query says: attributes, measurements, prices and spelling, learned from the catalogue."""
