"""Verifications on the wire, as they were when they began: a repeated answer is the same to the byte."""

from usercore.codec.scalars import compact, optional_timestamp, timestamp
from usercore.verification.values import Verification


def render_verification(verification: Verification) -> bytes:
    """Return a verification that has just begun as compact JSON in UTF-8."""
    return compact(verification_started(verification))


def verification_started(verification: Verification) -> dict[str, object]:
    """Return a verification that has just begun as a JSON object."""
    recorded = verification.verifier is not None
    return {
        "id": verification.id,
        "userId": verification.user_id,
        "channel": verification.channel.value,
        "status": "confirmed" if recorded else "pending",
        "startedAt": timestamp(verification.started_at),
        "codeExpiresAt": optional_timestamp(verification.code_expires_at),
        "linkExpiresAt": optional_timestamp(verification.link_expires_at),
        "verifiedAt": optional_timestamp(verification.settled_at) if recorded else None,
    }


def render_confirmed(verification: Verification) -> bytes:
    """Return what a link has proved as compact JSON in UTF-8; whom it was about is not said."""
    return compact({"channel": verification.channel.value, "verifiedAt": optional_timestamp(verification.settled_at)})
