"""Many users at one moment, written down to be taken elsewhere."""
