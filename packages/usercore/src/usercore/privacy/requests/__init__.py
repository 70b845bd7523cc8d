"""What people ask of their data, and what becomes of it."""
