"""The service as pages of an EventCatalog: made from the registry of messages, so that they cannot drift from it."""
