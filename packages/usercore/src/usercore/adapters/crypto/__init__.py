"""Sealing by AES-256-GCM: master keys, and the data keys that they wrap."""

from usercore.adapters.crypto.keys import AesDataKey, AesMasterKeys

__all__ = ["AesDataKey", "AesMasterKeys"]
