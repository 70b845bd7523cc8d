"""Telling the services around us: what each must hear, and that each does."""
