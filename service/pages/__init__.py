"""The shop page: search to look at and to try, rendered here, without any other host."""
