"""A client of the search service, for the shop's own code; needs nothing of the service."""
