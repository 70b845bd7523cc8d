"""Sealing by AES-256-GCM, master keys, and signatures."""
