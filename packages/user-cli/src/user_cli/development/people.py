"""Made-up people: names, places and numbers that fit together. The same number is always the same person."""

import unicodedata
from datetime import date, timedelta
from typing import Final

from attrs import frozen

from usercore.users.intake import AddressPatch, ProfilePatch

__all__ = ["EXTERNAL_ID_PREFIX", "person"]

EXTERNAL_ID_PREFIX: Final = "sample-"


@frozen
class _Region:
    """Where people live, and what they are called there.

    `phone` is a prefix that three digits complete; most are numbers that regulators keep free for drama.
    """

    locale: str
    time_zone: str
    country: str
    state: str | None
    city: str
    postal_code: str
    street: str
    phone: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


_REGIONS: Final = (
    _Region(
        *("en-GB", "Europe/London", "GB", None, "London", "NW1 6XE", "Baker Street {}", "+442079460"),
        ("Ada", "Grace", "Alan", "Edith", "Oliver", "Amelia", "Harry", "Isla"),
        ("Clarke", "Hughes", "Turner", "Bennett", "Foster", "Palmer", "Walsh"),
    ),
    _Region(
        *("de-DE", "Europe/Berlin", "DE", "Berlin", "Berlin", "10115", "Invalidenstraße {}", "+493023125"),
        ("Jürgen", "Käthe", "Lukas", "Hannah", "Felix", "Sophie", "Jonas", "Lena"),
        ("Müller", "Schröder", "Weiß", "Krüger", "Becker", "Hoffmann", "Voß"),
    ),
    _Region(
        *("en-US", "America/New_York", "US", "NY", "New York", "10001", "{} West 29th Street", "+12125550"),
        ("Katherine", "Dorothy", "James", "Maya", "Noah", "Emma", "Liam", "Zoe"),
        ("Johnson", "Vaughan", "Rivera", "Nguyen", "O'Brien", "Carter", "Brooks"),
    ),
    _Region(
        *("fr-FR", "Europe/Paris", "FR", None, "Paris", "75011", "{} rue de Charonne", "+33199000"),
        ("Zoé", "Chloé", "Hugo", "Léa", "François", "Camille", "Jules", "Anaïs"),
        ("Lefèvre", "Moreau", "Girard", "Dupont", "Bonnet", "Rousseau", "Lambert"),
    ),
    _Region(
        *("es-ES", "Europe/Madrid", "ES", None, "Madrid", "28004", "Calle de Fuencarral {}", "+34910000"),
        ("Lucía", "Íñigo", "María", "Álvaro", "Carmen", "Hugo", "Inés", "Pablo"),
        ("García", "Muñoz", "Ibáñez", "Ortega", "Serrano", "Vidal", "Peña"),
    ),
    _Region(
        *("ja-JP", "Asia/Tokyo", "JP", None, "Tokyo", "150-0002", "2-{} Shibuya", "+81399990"),
        ("Yuki", "Haruto", "Sakura", "Ren", "Aoi", "Sora", "Hina", "Kaito"),
        ("Sato", "Suzuki", "Takahashi", "Tanaka", "Watanabe", "Ito", "Kobayashi"),
    ),
    _Region(
        *("pt-BR", "America/Sao_Paulo", "BR", "SP", "São Paulo", "01310-100", "Avenida Paulista {}", "+551130000"),
        ("João", "Beatriz", "Mateus", "Júlia", "Rafael", "Larissa", "Caio", "Antônia"),
        ("Silva", "Conceição", "Araújo", "Oliveira", "Costa", "Ferreira", "Gonçalves"),
    ),
)
_OLDEST: Final = date(1950, 1, 1)
_BORN_WITHIN_DAYS: Final = 20_000


def person(number: int) -> ProfilePatch:
    """Return a person's profile.

    Args:
        number: 1, 2, 3, …; another number is another person with another email.
    """
    region = _REGIONS[number % len(_REGIONS)]
    turn = number // len(_REGIONS)
    first = region.first_names[turn % len(region.first_names)]
    last = region.last_names[turn % len(region.last_names)]
    return ProfilePatch(
        email=f"{_plain(first)}.{_plain(last)}.{number}@example.com",
        first_name=first,
        last_name=last,
        phone_number=f"{region.phone}{number % 1_000:03}",
        address=AddressPatch(
            street=region.street.format(number % 200 + 1),
            city=region.city,
            state=region.state,
            postal_code=region.postal_code,
            country=region.country,
        ),
        locale=region.locale,
        time_zone=region.time_zone,
        birth_date=_OLDEST + timedelta(days=number * 7_919 % _BORN_WITHIN_DAYS),
        external_id=f"{EXTERNAL_ID_PREFIX}{number:06}",
    )


def _plain(name: str) -> str:
    """Return a name as it stands in an address: ASCII letters alone."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in folded if letter.isascii() and letter.isalpha())
