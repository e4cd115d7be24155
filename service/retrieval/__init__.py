"""Candidates from Elasticsearch: clauses, one search request, exact scores, facets."""
