"""Stand-ins on this machine for services that are not connected."""

from usercore.adapters.local.recording import RecordingServices

__all__ = ["RecordingServices"]
