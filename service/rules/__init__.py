"""What a shop's people say about its search: rules and synonyms, on top of what was learned."""
