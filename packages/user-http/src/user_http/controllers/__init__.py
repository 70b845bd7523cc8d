"""What each operation does: request → command, result → answer. One module a feature."""
