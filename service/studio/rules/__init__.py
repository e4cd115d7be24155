"""The page of rules and synonyms."""
