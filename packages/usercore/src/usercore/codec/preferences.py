"""Email preferences on the wire."""

from usercore.codec.facets import preference_object
from usercore.codec.scalars import compact
from usercore.preferences.get_email_preferences import EmailPreferences
from usercore.preferences.values import EffectivePreference


def render_preferences(preferences: EmailPreferences) -> bytes:
    """Return a user's preferences as compact JSON in UTF-8."""
    return compact(preferences_object(preferences))


def preferences_object(preferences: EmailPreferences) -> dict[str, object]:
    """Return a user's preferences as a JSON object, by topic name."""
    return {
        "userId": preferences.user_id,
        "version": preferences.version,
        "topics": {held.topic.name: _held(held) for held in preferences.topics},
    }


def _held(held: EffectivePreference) -> dict[str, object]:
    nothing_said = {"source": None, "updatedAt": None, "wordingVersion": None}
    said = preference_object(held.said) if held.said else nothing_said
    return {
        **said,
        "subscribed": held.subscribed,
        "title": held.topic.title,
        "description": held.topic.description,
        "mandatory": held.topic.mandatory,
        "currentWordingVersion": held.topic.wording_version,
    }
