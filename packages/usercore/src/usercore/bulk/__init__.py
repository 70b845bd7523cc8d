"""Many users at once: imports and exports."""
