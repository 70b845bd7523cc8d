"""Proof that a contact belongs to its user, and that the user is who they say."""
