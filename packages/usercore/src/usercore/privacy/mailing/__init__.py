"""Mail that people need not take: addresses that must not be written to, and one click to be written to no more."""
