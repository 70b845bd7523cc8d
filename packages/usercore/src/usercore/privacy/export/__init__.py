"""The archive of everything that is kept of a person, for access and for portability.

What appears in it follows from :mod:`usercore.privacy.classification`, so that a new column cannot be forgotten.
"""
