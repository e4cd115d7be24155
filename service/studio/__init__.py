"""The studio: pages on which a search manager sees why products rank as they do, and tunes it."""
