"""Versions of the ranking weights: kept in the cluster, switched while the service runs."""
