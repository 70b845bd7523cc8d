"""Who calls: bearer tokens of the AuthenticationService, checked against its public keys."""
