"""Elasticsearch's own search interface: its bodies in, its envelopes out, hybrid or passed."""
