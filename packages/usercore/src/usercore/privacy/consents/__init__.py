"""Consents: what a user allowed or forbade, purpose by purpose, in a ledger that is only ever added to."""
