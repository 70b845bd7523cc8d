"""Letters out of templates: every one in every language, and an operator's own."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from usercore.adapters.smtp.checking import check
from usercore.adapters.smtp.errors import LetterExpiredError, LetterInvalidError
from usercore.adapters.smtp.languages import fallbacks
from usercore.adapters.smtp.letters import LETTERS, content_of
from usercore.adapters.smtp.rendering import Templates, Words
from usercore.adapters.smtp.samples import NOW, sample, sample_words
from usercore.adapters.smtp.service import checked_templates
from usercore.delivery.values import Operation
from usercore.kernel.secret import Secret
from usercore.settings import Mailbox, SettingsError, SmtpSettings

SETTINGS = SmtpSettings(
    sender=Mailbox("users@shop.example", "Müller & Söhne"),
    imprint="Müller & Söhne GmbH, Hauptstraße 1, Köln",
    home_url="https://shop.example/?a=1&b=2",
    invitation_url="https://shop.example/set-password?user={userId}",
    verification_url="https://shop.example/verify#{token}",
    privacy_url="https://shop.example/privacy/{requestId}",
)
TOKEN = "kJ3vQmT0pZx8sYwUo4bLhR6fNcVeGd1aW7iX2tSrEyM"
OURS = Templates(None)
LANGUAGES = ("de", "en", "fr")
NAMES = (*LETTERS.values(), "test")


def test_every_letter_is_there_in_every_language() -> None:
    assert {name: OURS.languages_of(name) for name in NAMES} == dict.fromkeys(NAMES, LANGUAGES)
    assert {operation for operation in Operation if operation.startswith("SEND_")} == set(LETTERS)


def test_our_own_templates_are_in_order() -> None:
    check(OURS, sample_words(SETTINGS))
    check(OURS, sample_words(SmtpSettings()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_letter_shows_a_gap_a_template_or_a_missing_word(name: str, language: str) -> None:
    for words in sample_words(SETTINGS)[name]:
        letter = OURS.render(name, language, words)
        for part in (letter.subject, letter.text, letter.html):
            assert part
            assert not re.search(r"None|Undefined|\{\{|\}\}|\{%", part)
        assert not re.search(r"\n\n\n| ,| \.|\S {2,}\S", letter.subject + letter.text)


@pytest.mark.parametrize("name", NAMES)
def test_each_language_has_words_of_its_own(name: str) -> None:
    words = list(sample_words(SETTINGS)[name])
    subjects = {OURS.render(name, language, words[0]).subject for language in LANGUAGES}
    assert len(subjects) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operation", LETTERS)
def test_text_and_html_lead_to_the_same_places(operation: Operation, language: str) -> None:
    content = content_of(sample(operation, language), SETTINGS, NOW)
    letter = OURS.render(content.name, language, content.words)

    assert letter.html is not None
    found = {link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', letter.html)}
    assert found == set(re.findall(r"https?://\S+", letter.text))
    assert f'<html lang="{language}">' in letter.html
    assert not re.search(r"<img|<script|src=|url\(", letter.html)


def test_a_verification_shows_the_code_the_link_and_how_long_they_are_valid() -> None:
    content = content_of(sample(Operation.SEND_VERIFICATION), SETTINGS, NOW)
    letter = OURS.render("verification", "de-AT", content.words)

    link = f"https://shop.example/verify#{TOKEN}"
    assert letter.text.splitlines()[2:12] == [
        "jemand, vermutlich Sie, hat Müller & Söhne gebeten, diese E-Mail-Adresse zu bestätigen.",
        "",
        "Hier bestätigen Sie sie:",
        "",
        link,
        "",
        "Ihr Code:",
        "",
        "    483920",
        "",
    ]
    assert "Gültig für 15 Minuten." in letter.text


def test_a_welcome_leads_to_the_page_that_confirms_the_address() -> None:
    assert (
        content_of(sample(Operation.SEND_WELCOME), SETTINGS, NOW).words.link == f"https://shop.example/verify#{TOKEN}"
    )
    bare = evolve(sample(Operation.SEND_WELCOME), secret=None)
    assert content_of(bare, SETTINGS, NOW).words.link is None


def test_an_invitation_carries_the_token_where_its_page_takes_one() -> None:
    settings = evolve(SETTINGS, invitation_url="https://shop.example/set-password?user={userId}#{token}")
    link = content_of(sample(Operation.SEND_INVITATION), settings, NOW).words.link
    assert link is not None
    assert link.endswith(f"#{TOKEN}")


@pytest.mark.parametrize(
    ("after", "code", "link", "minutes"),
    [
        (timedelta(minutes=14), "483920", True, 1),
        (timedelta(minutes=15), None, True, 1425),
        (timedelta(hours=23), None, True, 60),
    ],
)
def test_a_late_verification_shows_what_still_serves(
    after: timedelta, code: str | None, link: bool, minutes: int
) -> None:
    words = content_of(sample(Operation.SEND_VERIFICATION), SETTINGS, NOW + after).words
    assert (words.code, words.link is not None, words.minutes) == (code, link, minutes)


def test_a_verification_that_has_run_out_is_not_sent() -> None:
    for settings, after in (
        (SETTINGS, timedelta(hours=24)),
        (evolve(SETTINGS, verification_url=None), timedelta(minutes=15)),
    ):
        with pytest.raises(LetterExpiredError):
            content_of(sample(Operation.SEND_VERIFICATION), settings, NOW + after)


@pytest.mark.parametrize("secret", ["483920", "[]", '{"code": 483920}', "{"])
def test_a_secret_of_another_form_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(LetterInvalidError) as caught:
        content_of(evolve(sample(Operation.SEND_VERIFICATION), secret=Secret(secret)), SETTINGS, NOW)
    assert "483920" not in str(caught.value)


def test_numbers_and_dates_are_written_as_the_language_has_them() -> None:
    def text(operation: Operation, language: str) -> str:
        content = content_of(sample(operation, language), SETTINGS, NOW)
        return OURS.render(content.name, language, content.words).text

    assert "of 12.50\xa0EUR" in text(Operation.SEND_PAYMENT_FAILED, "en")
    assert "über 12,50\xa0EUR" in text(Operation.SEND_PAYMENT_FAILED, "de")
    assert "on 24 December 2026" in text(Operation.SEND_INACTIVITY_NOTICE, "en")
    assert "am 24. Dezember 2026" in text(Operation.SEND_INACTIVITY_NOTICE, "de")
    assert "le 24 décembre 2026" in text(Operation.SEND_INACTIVITY_NOTICE, "fr")
    assert "pendant 30 jours" in text(Operation.SEND_PRIVACY_ANSWER, "fr")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de", "de"), ("de-CH-1996", "de"), ("DE-at", "de"), ("fr-x-school", "fr"), ("it", "en"), ("zh-Hant-TW", "en")],
)
def test_the_nearest_language_is_taken(locale: str, language: str) -> None:
    assert OURS.render("welcome", locale, Words()).language == language


def test_a_locale_is_shortened_part_by_part() -> None:
    assert list(fallbacks("zh-Hant-CN-x-private1")) == ["zh-Hant-CN-x-private1", "zh-Hant-CN", "zh-Hant", "zh", "en"]


def operators(folder: Path, **files: str) -> SmtpSettings:
    for name, source in files.items():
        language, _, rest = name.partition("_")
        path = folder / language / rest.replace("_txt", ".txt").replace("_html", ".html")
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return evolve(SETTINGS, templates=folder)


def test_an_operators_template_takes_the_place_of_ours_and_the_others_stay(tmp_path: Path) -> None:
    settings = operators(tmp_path, de_welcome_txt="Subject: Servus, {{ first_name }}\n\nPasst.\n")
    templates = checked_templates(settings)

    mine, ours = (templates.render("welcome", language, Words(first_name="Ada")) for language in ("de", "fr"))
    assert (mine.subject, mine.text) == ("Servus, Ada", "Passt.\n")
    assert mine.html is not None
    assert ours.subject.startswith("Bienvenue")


def test_an_operator_can_add_a_language_and_change_the_frame_of_all(tmp_path: Path) -> None:
    settings = operators(
        tmp_path,
        it_welcome_txt="Subject: Benvenuto\n\nCiao {{ first_name }}, {{ 90 | span }}\n",
        en_frame_txt="Subject: [Shop] {% block subject %}{% endblock %}\n\n{% block letter %}{% endblock %}\n",
    )
    templates = checked_templates(settings)

    letter = templates.render("welcome", "it-CH", Words(first_name="Ada"))
    assert (letter.subject, letter.text, letter.html) == ("Benvenuto", "Ciao Ada, 90 minutes\n", None)
    assert templates.render("email_changed", "it", Words()).subject.startswith("[Shop] The email address")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("Subject: Hi {{ compny }}\n\nText\n", "de/welcome.txt: there is no variable compny; did you mean company?"),
        ("Subject: Hi\n\n{% if link %}\n", "de/welcome.txt, line 3: Unexpected end of template."),
        ("Subject: Hi\n\n{{ first_name | shout }}\n", "de/welcome.txt, line 3: No filter named 'shout'."),
        ("Subject: Hi\n\n\n{{ company.legal }}\n", "de/welcome.txt, line 4: 'str object' has no attribute 'legal'"),
        ("Subject: Hi\n\n{% include 'de/foot.txt' %}\n", "de/welcome.txt, line 3: there is no template de/foot.txt"),
        ("Hello\n\nText\n", "de/welcome.txt: write a first line `Subject: …`, and a text"),
    ],
)
def test_a_broken_template_is_named_at_the_start(tmp_path: Path, source: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        checked_templates(operators(tmp_path, de_welcome_txt=source))

    [line] = str(raised.value).splitlines()
    assert line.startswith(f"USER_SERVICE_SMTP_TEMPLATES: {problem}")


def test_a_folder_that_is_not_there_and_a_file_in_another_encoding_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no folder"):
        checked_templates(evolve(SETTINGS, templates=tmp_path / "absent"))
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "welcome.txt").write_bytes("Subject: Grüße\n\nText\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"de/welcome\.txt is not in UTF-8"):
        checked_templates(evolve(SETTINGS, templates=tmp_path))


def test_a_refused_request_is_answered_with_reason_and_law_and_a_longer_one_with_its_day() -> None:
    def text(outcome: str, **members: str) -> str:
        given = sample(Operation.SEND_PRIVACY_ANSWER, "en", outcome=outcome, url=None, expiresAt=None, **members)
        return OURS.render("privacy_answer", "en", content_of(given, SETTINGS, NOW).words).text

    refused = text("REFUSED", kind="ERASURE", reason="We must keep invoices.", law="GDPR Art. 17(3)(b)")
    assert "about the erasure of your data. We cannot follow it." in refused
    assert "Our reasons: We must keep invoices.\n\nThe law that this rests on: GDPR Art. 17(3)(b).\n" in refused
    assert "complain to a supervisory authority for data protection, or go to court" in refused
    assert "https://shop.example/privacy/01a20a71-cd43-75c5-8b2d-2932faed73d0" in refused
    extended = text("EXTENDED", dueAt="2027-01-24T12:00:00+00:00", reason="There are many.")
    assert "We need more time for it." in extended
    assert "You hear from us by 24 January 2027 at the latest." in extended
