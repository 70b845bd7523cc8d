"""How long things are kept, and what becomes of accounts that nobody uses."""
