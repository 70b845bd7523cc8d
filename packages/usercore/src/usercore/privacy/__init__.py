"""What the law asks for: what data is for, consents, requests, erasure, retention."""
