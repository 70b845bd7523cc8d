"""What the service is held against: the least work that gives the same answer."""
