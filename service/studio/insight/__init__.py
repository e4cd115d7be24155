"""The studio's page of figures: what is searched for, and what comes of it."""
