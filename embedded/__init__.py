"""The local stack: a real Elasticsearch and Redis without Docker or accounts."""
