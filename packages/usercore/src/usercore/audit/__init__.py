"""Who changed what, for those who must be able to prove it."""
