"""What a letter looks like, for an operator."""

from usercore.adapters.smtp.letters import content_of
from usercore.adapters.smtp.rendering import Letter
from usercore.adapters.smtp.samples import NOW, sample
from usercore.adapters.smtp.service import checked_templates
from usercore.delivery.values import Operation
from usercore.settings import SmtpSettings


def sample_letter(settings: SmtpSettings, operation: Operation, locale: str | None) -> Letter:
    """Return a letter to a person made up.

    Args:
        settings: whose templates, names and links are shown.
        operation: what sends it.
        locale: the language wanted; None for that of the settings.

    Raises:
        SettingsError: a template is broken.
    """
    content = content_of(sample(operation, locale), settings, NOW)
    return checked_templates(settings).render(content.name, content.locale, content.words)
