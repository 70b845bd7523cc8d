"""A running service at a glance, again and again."""
