"""Statistics as JSON."""

from collections.abc import Iterable

from usercore.codec.scalars import timestamp
from usercore.statistics.values import Counted, Statistics
from usercore.users.values import AccountState


def statistics_object(statistics: Statistics) -> dict[str, object]:
    """Return the numbers as a JSON object."""
    return {
        "at": timestamp(statistics.at),
        "estimated": statistics.sampled is not None,
        "sampledUsers": statistics.sampled,
        "status": {state.value: statistics.states.get(state, 0) for state in AccountState},
        "presentUsers": statistics.present,
        "restricted": statistics.restricted,
        "verified": {channel.value: users for channel, users in statistics.verified.items()},
        "loyaltyTiers": _counts(statistics.tiers),
        "emailPreferences": [
            {"topic": one.topic, "subscribed": one.subscribed, "said": one.said} for one in statistics.topics
        ],
        "countries": _counts(statistics.countries),
        "locales": _counts(statistics.locales),
        "growth": {
            "by": statistics.period.value,
            "created": [{"from": begin.isoformat(), "users": users} for begin, users in statistics.growth],
        },
    }


def _counts(counts: Iterable[Counted]) -> list[dict[str, object]]:
    return [{"name": one.name, "users": one.users} for one in counts]
