"""How many users there are, since when, and of what kind."""
