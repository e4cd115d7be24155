"""What is searched for and what comes of it: a light record of searches, and figures from it."""
