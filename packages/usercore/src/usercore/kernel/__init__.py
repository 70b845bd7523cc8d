"""What every feature builds on: ids, errors, events, changes, time and secrets."""
