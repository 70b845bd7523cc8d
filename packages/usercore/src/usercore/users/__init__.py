"""The user's life: creation, profile, account status, history and search."""
