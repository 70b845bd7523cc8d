"""What every EmailRules promises, and how the plain ones relate to the full ones."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.strategies import NASTY, plain_addresses
from usercore.adapters.contacts import ValidatedEmailRules, parse_by_library
from usercore.adapters.memory.contacts import PlainEmailRules
from usercore.users.ports import EmailRules
from usercore.users.values import EmailAddress, ValueRejectedError


class LibraryRules:
    """The full rules without their shortcut."""

    def parse(self, raw: str) -> EmailAddress:
        return parse_by_library(raw)


@pytest.fixture(
    params=[PlainEmailRules(), ValidatedEmailRules(), LibraryRules()], ids=["plain", "validated", "library"]
)
def rules(request: pytest.FixtureRequest) -> EmailRules:
    made: EmailRules = request.param
    return made


def accepted(rules: EmailRules, raw: str) -> EmailAddress | None:
    try:
        return rules.parse(raw)
    except ValueRejectedError as error:
        must_be_well_refused(error)
        return None


def must_be_well_refused(error: ValueRejectedError) -> None:
    """Find the code, and a remedy that does not repeat the address."""
    assert error.code == "email_invalid"
    assert error.detail in REMEDIES


REMEDIES = (
    "write the address as in name@example.com",
    "write at most 254 characters",
    "install usercore[contacts] for internationalised domains",
)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("grace@example.com", "grace@example.com"),
        ("  Grace.Hopper+Navy@Sub.Example.COM\n", "grace.hopper+navy@sub.example.com"),
        ("a@b-c.d1.io", "a@b-c.d1.io"),
        ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
        (f"a@{'b' * 63}.example", f"a@{'b' * 63}.example"),
    ],
)
def test_an_address_is_trimmed_kept_and_folded(rules: EmailRules, raw: str, canonical: str) -> None:
    assert rules.parse(raw) == EmailAddress(raw.strip(), canonical)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "grace",
        "@example.com",
        "grace@",
        "grace@example",
        "grace@@example.com",
        "gr ace@example.com",
        ".grace@example.com",
        "grace.@example.com",
        "gra..ce@example.com",
        "grace@.example.com",
        "grace@example..com",
        "grace@example.com.",
        "grace@-example.com",
        "grace@example-.com",
        "grace@ex_ample.com",
        "grace@exam ple.com",
        "grace@example.1",
        "grace@[127.0.0.1]",
        "grace@127.0.0.1",
        '"grace"@example.com',
        "Grace <grace@example.com>",
        "grace@ab--cd.com",
        "grace@host.local",
        "grace@host.Test",
        "grace@localhost",
        "zoë@example.com",
        "gr\u0000ace@example.com",
        "grace@example.com\u0000",
        "\ud800@example.com",
        "grace@\ud800.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 64}.example",
        f"a@{'b.' * 125}example",
        f"{'a' * 1_000_000}@example.com",
    ],
)
def test_what_is_no_address_is_refused(rules: EmailRules, raw: str) -> None:
    assert accepted(rules, raw) is None


@given(plain_addresses())
def test_plain_addresses_are_accepted_and_their_canonical_form_is_its_own(address: str) -> None:
    for rules in (PlainEmailRules(), LibraryRules()):
        parsed = rules.parse(address)
        assert parsed == EmailAddress(address, address.lower())
        assert rules.parse(parsed.canonical).canonical == parsed.canonical


anything = st.text(max_size=40) | st.sampled_from(NASTY)
nearly = st.builds("{}@{}".format, anything, anything) | st.from_regex(
    r"[a-z.!\"( \-]{0,5}@[a-zA-Z0-9.\-_ ]{0,12}\.?[a-z0-9\-]{0,5}"
)


@given(anything | nearly | plain_addresses())
@example("a@xn--bcher-kva.example")
@example("a@b.xn--p1ai")
@example("a@sub.onion")
@example("a@1.2.3.com")
@example("a@b.c-d")
@example("a@b.c1")
def test_what_the_plain_rules_accept_the_full_ones_accept_alike(raw: str) -> None:
    """So a service may begin with the plain rules, and the full ones may take their word for it."""
    plain = accepted(PlainEmailRules(), raw)
    full = accepted(LibraryRules(), raw)

    if plain is not None:
        assert full == plain
    assert accepted(ValidatedEmailRules(), raw) == full


def test_plain_rules_say_what_is_missing_for_internationalised_domains() -> None:
    with pytest.raises(ValueRejectedError) as caught:
        PlainEmailRules().parse("grace@bücher.example")

    assert "usercore[contacts]" in caught.value.detail


@pytest.mark.parametrize(
    "domain", ["bücher.example", "BÜCHER.Example", "bu\u0308cher.example", "xn--bcher-kva.example"]
)
def test_the_spellings_of_an_internationalised_domain_are_one(domain: str) -> None:
    parsed = ValidatedEmailRules().parse(f"Grace@{domain}")

    assert parsed == EmailAddress(f"Grace@{domain}", "grace@xn--bcher-kva.example")
