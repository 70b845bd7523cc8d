"""userctl: run and operate the User Service from a terminal."""
