"""Segments: users chosen by a small filter language over profile, activity, preferences and consents."""
