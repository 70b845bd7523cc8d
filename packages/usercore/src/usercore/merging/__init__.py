"""Duplicate accounts: merging two that are one person's, and taking it back."""
