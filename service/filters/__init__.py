"""Filters of a search request, compiled to Elasticsearch clauses."""
