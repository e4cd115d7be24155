"""Versions of a document that a service follows: written once, and one of them active."""
