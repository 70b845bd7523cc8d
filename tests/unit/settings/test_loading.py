"""Settings come from the environment, and a wrong variable is named."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keys import MASTER_KEYS_SETTING
from usercore.settings import (
    AuthSettings,
    CacheSettings,
    CoreSettings,
    DatabaseSettings,
    HttpSettings,
    ServingSettings,
    SettingsError,
    load,
    settings_of,
)

URL = "postgresql://someone:open-sesame@db.example.com:5432/users"
KEY = base64.b64encode(bytes(range(32))).decode()
NEEDED = {
    "DATABASE_URL": URL,
    "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
    "USER_SERVICE_TOKEN_KEY_FILE": "jwks.json",
}


def refused(section: type[CoreSettings | ServingSettings], **environ: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(section, NEEDED | environ)
    return {problem.variable: problem.detail for problem in caught.value.problems}


def test_what_is_not_set_has_its_documented_default() -> None:
    core, serving = load(CoreSettings, NEEDED), load(ServingSettings, NEEDED)
    assert core.database.url.reveal() == URL
    assert (core.database.pool_size, core.database.pool_timeout_s) == (8, 2.0)
    assert core.cache.url is None
    assert core.delivery.record_file is None
    assert (serving.http.host, serving.http.port, serving.http.trusted_proxies) == ("127.0.0.1", 8080, ())
    assert (serving.auth.issuer, serving.auth.key_file) == ("user-service", Path("jwks.json"))


def test_what_is_set_is_read() -> None:
    environ = {
        "USER_SERVICE_DB_POOL_SIZE": "3",
        "USER_SERVICE_CACHE_TTL_S": "1.5",
        "USER_SERVICE_LOG_FORMAT": "JSON",
        "REDIS_URL": "redis://cache:6379/0",
        "USER_SERVICE_CACHE_KEY": KEY,
        "USER_SERVICE_READ_LANE": "off",
        "USER_SERVICE_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2,",
    }
    core, serving = load(CoreSettings, NEEDED | environ), load(ServingSettings, NEEDED | environ)
    assert (core.database.pool_size, core.cache.ttl_s, core.telemetry.log_format) == (3, 1.5, "json")
    assert core.cache.key is not None
    assert core.cache.key.reveal() == KEY
    assert (serving.http.read_lane, serving.http.trusted_proxies) == (False, ("10.0.0.1", "10.0.0.2"))


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load(HttpSettings, {"USER_SERVICE_LISTEN_PORT": ""}).port == 8080


def test_a_needed_variable_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: is needed and not set$"):
        load(DatabaseSettings, {})


def test_everything_that_is_wrong_is_named_at_once_whatever_its_section() -> None:
    problems = refused(
        CoreSettings,
        DATABASE_URL="mysql://db/users",
        USER_SERVICE_DB_POOL_SIZE="0",
        REDIS_URL="redis://cache:6379/0",
        USER_SERVICE_LOG_LEVEL="loud",
    )
    assert problems == {
        "DATABASE_URL": "write a URL that begins with postgresql:// or postgres://",
        "USER_SERVICE_DB_POOL_SIZE": "write a whole number from 1 to 200",
        "USER_SERVICE_CACHE_KEY": "is needed with REDIS_URL (openssl rand -base64 32)",
        "USER_SERVICE_LOG_LEVEL": "write one of debug, info, warning, error",
    }


def test_a_rule_over_two_variables_is_not_judged_while_one_of_them_is_wrong() -> None:
    problems = refused(CoreSettings, REDIS_URL="redis://cache", USER_SERVICE_CACHE_KEY="short")
    assert list(problems) == ["USER_SERVICE_CACHE_KEY"]


@pytest.mark.parametrize(
    "environ",
    [{}, {"USER_SERVICE_TOKEN_KEY_FILE": "jwks.json", "USER_SERVICE_TOKEN_JWKS_URL": "https://auth.example.com/jwks"}],
)
def test_tokens_are_checked_with_exactly_one_source_of_keys(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^USER_SERVICE_TOKEN_KEY_FILE: set either it or USER_SERVICE_TOKEN_JWKS"):
        load(AuthSettings, environ)


def test_a_secret_may_be_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "database-url"
    secret.write_text(URL + "\n", encoding="utf-8")
    assert load(DatabaseSettings, {"DATABASE_URL_FILE": str(secret)}).url.reveal() == URL


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    problems = refused(CoreSettings, DATABASE_URL_FILE=str(tmp_path / "database-url"))
    assert problems == {"DATABASE_URL": "set either it or DATABASE_URL_FILE, not both"}


def test_a_secret_file_that_cannot_be_read_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: the file it names cannot be read: No such file"):
        load(DatabaseSettings, {"DATABASE_URL_FILE": str(tmp_path / "absent")})


def test_what_is_no_secret_is_not_read_from_a_file(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.write_text("9000", encoding="utf-8")
    assert load(HttpSettings, {"USER_SERVICE_LISTEN_PORT_FILE": str(port)}).port == 8080


def test_no_representation_shows_a_secret() -> None:
    environ = NEEDED | {"REDIS_URL": "redis://:open-sesame@cache", "USER_SERVICE_CACHE_KEY": KEY}
    shown = repr(load(CoreSettings, environ)) + str(load(CacheSettings, environ))
    assert "open-sesame" not in shown
    assert KEY not in shown


@pytest.mark.parametrize("section", [CoreSettings, ServingSettings])
def test_each_setting_has_a_variable_of_its_own_and_says_what_it_is_for(
    section: type[CoreSettings | ServingSettings],
) -> None:
    listed = list(settings_of(section))
    assert len({setting.variable for setting in listed}) == len(listed)
    for setting in listed:
        assert setting.doc.endswith("."), setting.variable
        servers = {"DATABASE_URL", "DATABASE_REPLICA_URLS", "REDIS_URL", "KRATOS_ADMIN_URL"}
        assert setting.variable.startswith("USER_SERVICE_") or setting.variable in servers


@pytest.mark.parametrize("section", [CoreSettings, ServingSettings])
def test_a_documented_default_means_what_its_absence_means(section: type[CoreSettings | ServingSettings]) -> None:
    written = {setting.variable: setting.default for setting in settings_of(section) if setting.default}
    assert load(section, NEEDED | written) == load(section, NEEDED)


def test_a_default_of_pairs_is_written_as_it_is_read() -> None:
    [tiers] = [one.default for one in settings_of(CoreSettings) if one.variable == "USER_SERVICE_LOYALTY_TIERS"]
    assert tiers == "BRONZE:0,SILVER:1000,GOLD:5000,PLATINUM:20000"


PARSED = [
    (section, setting.variable)
    for section in (CoreSettings, ServingSettings)
    for setting in settings_of(section)
    # Any text is a name or a path.
    if setting.variable
    not in {
        "USER_SERVICE_AUDIT_CHECKPOINT_FILE",
        "USER_SERVICE_AUDIT_KEY_FILE",
        "USER_SERVICE_AUDIT_NAME",
        "USER_SERVICE_AUDIT_PUBLIC_KEYS_FILE",
        "USER_SERVICE_CACHE_NAMESPACE",
        "USER_SERVICE_DELIVERY_RECORD_FILE",
        "USER_SERVICE_ERASURE_LEDGER_FILE",
        "USER_SERVICE_LISTEN_HOST",
        "USER_SERVICE_MASTER_KEYS_COMMAND",
        "USER_SERVICE_SERVICES_CA_FILE",
        "USER_SERVICE_SMTP_CA_FILE",
        "USER_SERVICE_SMTP_COMPANY",
        "USER_SERVICE_SMTP_IMPRINT",
        "USER_SERVICE_SMTP_TEMPLATES",
        "USER_SERVICE_SMTP_USERNAME",
        "USER_SERVICE_TOKEN_AUDIENCE",
        "USER_SERVICE_TOKEN_ISSUER",
        "USER_SERVICE_TOKEN_KEY_FILE",
        "USER_SERVICE_TRACES_SERVICE_NAME",
        "USER_SERVICE_TRUSTED_PROXIES",
    }
]


@pytest.mark.parametrize(("section", "variable"), PARSED, ids=[variable for _, variable in PARSED])
def test_a_value_of_another_kind_names_its_variable_and_is_not_repeated(
    section: type[CoreSettings | ServingSettings], variable: str
) -> None:
    problems = refused(section, **{variable: "g\u00e4nzlich-falsch"})
    assert list(problems) == [variable]
    assert "falsch" not in problems[variable]


FIRST_OF_TWO = {
    "USER_SERVICE_TOKEN_JWKS_URL": "USER_SERVICE_TOKEN_KEY_FILE",
    "USER_SERVICE_MASTER_KEYS_COMMAND": "USER_SERVICE_MASTER_KEYS",
}


@given(st.sampled_from(PARSED), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_whatever_a_variable_holds_it_is_read_or_named(
    case: tuple[type[CoreSettings | ServingSettings], str], raw: str
) -> None:
    section, variable = case
    lines = complaints(section, NEEDED | {"USER_SERVICE_CACHE_KEY": KEY} | {variable: raw})
    # A second source of keys is refused beside the first, by the first one's name.
    named = {variable, FIRST_OF_TWO.get(variable, variable)}
    assert len(lines) <= 1
    assert {line.partition(":")[0] for line in lines} <= named


def complaints(section: type[CoreSettings | ServingSettings], environ: dict[str, str]) -> list[str]:
    try:
        load(section, environ)
    except SettingsError as error:
        return str(error).splitlines()
    return []


@given(st.integers())
def test_a_port_is_taken_exactly_within_its_bounds(number: int) -> None:
    try:
        port = load(HttpSettings, {"USER_SERVICE_LISTEN_PORT": str(number)}).port
    except SettingsError:
        assert not 0 <= number <= 65535
    else:
        assert port == number
        assert 0 <= number <= 65535


def test_replicas_are_parted_by_commas_or_blanks_and_their_passwords_are_not_shown() -> None:
    one, two = "postgresql://u:p,w@one:5432/users", "postgres://u:pw@two/users"
    for raw in (f"{one},{two}", f" {one}, {two},", f"{one}\n{two}\n"):
        found = load(DatabaseSettings, {"DATABASE_URL": one, "DATABASE_REPLICA_URLS": raw})
        assert [url.reveal() for url in found.replica_urls] == [one, two]
        assert "pw@" not in repr(found)
    with pytest.raises(SettingsError, match="DATABASE_REPLICA_URLS"):
        load(DatabaseSettings, {"DATABASE_URL": one, "DATABASE_REPLICA_URLS": f"{one},mysql://two"})
