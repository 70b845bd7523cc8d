"""Mail, sent."""
