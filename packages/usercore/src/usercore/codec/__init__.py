"""Between the domain and JSON: profiles, events and history."""
