"""HTTP edges: parse, call one function, translate the outcome."""
