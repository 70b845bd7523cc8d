"""The ports of the features, implemented: one package per technology."""
