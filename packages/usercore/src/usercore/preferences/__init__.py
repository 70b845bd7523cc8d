"""Email preferences: which topics a user wants to hear of, since when, and how we know."""
