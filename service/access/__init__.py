"""Who may do what: keys and their scopes, limits, origins, and the record of what admins did."""
