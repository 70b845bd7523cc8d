"""The keys that personal data is sealed with: how they stand, wrapped anew, and what is still in the clear."""
