"""`userctl config` and `userctl serve`: settings shown, judged and documented."""

from pathlib import Path

from tests.cli.userctl import Userctl
from tests.keys import MASTER_KEYS_SETTING
from user_cli.settings_report import markdown

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
SERVABLE = {
    "DATABASE_URL": "postgresql://someone:open-sesame@db/users",
    "USER_SERVICE_TOKEN_KEY_FILE": "jwks.json",
    "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
}

MASTER_KEYS_NEEDED = (
    "USER_SERVICE_MASTER_KEYS: set either it or USER_SERVICE_MASTER_KEYS_COMMAND "
    "(1: and the output of openssl rand -base64 32)"
)
UNKNOWN = "is no variable of this service"


def test_settings_that_are_right_are_listed_with_secrets_masked(alone: Userctl) -> None:
    done = alone("config", "check", **SERVABLE, USER_SERVICE_DB_POOL_SIZE="3")
    assert (done.code, done.err) == (0, "")
    assert "open-sesame" not in done.out
    rows = {line.split()[0]: line.split()[1:3] for line in done.out.splitlines()}
    assert rows["VARIABLE"] == ["VALUE", "DEFAULT"]
    assert rows["DATABASE_URL"] == ["********", "(needed)"]
    assert rows["USER_SERVICE_DB_POOL_SIZE"] == ["3", "8"]


def test_user_and_password_in_a_url_are_masked_even_where_none_belong(alone: Userctl) -> None:
    url = "https://someone:open-sesame@identities.example/base"
    done = alone("config", "check", "--json", **SERVABLE, USER_SERVICE_AUTHENTICATION_URL=url)
    assert "open-sesame" not in done.out + done.err
    assert "https://********@identities.example/base" in done.out


def test_each_wrong_or_unknown_variable_has_a_line_that_names_it(alone: Userctl) -> None:
    done = alone("config", "check", "--json", USER_SERVICE_LISTEN_PORT="high", USER_SERVICE_LISTEN_PROT="8080")
    assert done.code == 78
    assert done.err.splitlines() == [
        "userctl: settings_invalid: DATABASE_URL: is needed and not set",
        f"userctl: settings_invalid: {MASTER_KEYS_NEEDED}",
        "userctl: settings_invalid: USER_SERVICE_LISTEN_PORT: write a whole number from 0 to 65535",
        "userctl: settings_invalid: USER_SERVICE_TOKEN_KEY_FILE: set either it or USER_SERVICE_TOKEN_JWKS_URL",
        f"userctl: settings_invalid: USER_SERVICE_LISTEN_PROT: {UNKNOWN}; did you mean USER_SERVICE_LISTEN_PORT?",
    ]
    assert '"variable":"USER_SERVICE_LISTEN_PORT","value":"high","default":"8080"' in done.out


def test_a_command_without_its_settings_names_what_is_missing(alone: Userctl) -> None:
    done = alone("user", "list", USER_SERVICE_CACHE_TTL_S="forever")
    assert (done.code, done.out) == (78, "")
    assert done.err.splitlines() == [
        "userctl: settings_invalid: DATABASE_URL: is needed and not set",
        f"userctl: settings_invalid: {MASTER_KEYS_NEEDED}",
        "userctl: settings_invalid: USER_SERVICE_CACHE_TTL_S: write a number of seconds from 1 to 60",
    ]


def test_nothing_is_served_on_wrong_settings(alone: Userctl) -> None:
    done = alone("serve", **SERVABLE, USER_SERVICE_MAX_IN_FLIGHT="0")
    assert (done.code, done.error) == (
        78,
        "userctl: settings_invalid: USER_SERVICE_MAX_IN_FLIGHT: write a whole number from 1 to 100000",
    )


def test_how_kafka_is_spoken_to_is_judged_where_a_broker_is_named(alone: Userctl) -> None:
    without = alone("config", "check", **SERVABLE, USER_SERVICE_STREAM_BATCH="many")
    assert (without.code, without.err) == (0, "")
    done = alone("config", "check", **SERVABLE, USER_SERVICE_STREAM_BATCH="many", KAFKA_BOOTSTRAP="broker")
    assert done.code == 78
    assert done.err.splitlines() == [
        "userctl: settings_invalid: KAFKA_BOOTSTRAP: write host:port, several parted by commas",
        "userctl: settings_invalid: USER_SERVICE_STREAM_BATCH: write a whole number from 1 to 1000",
    ]


def test_no_stream_is_processed_on_wrong_settings(alone: Userctl) -> None:
    done = alone("stream", **SERVABLE)
    assert (done.code, done.error) == (78, "userctl: settings_invalid: KAFKA_BOOTSTRAP: is needed and not set")


def test_the_committed_page_of_settings_is_what_the_code_says(alone: Userctl) -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown()
    assert alone("config", "docs", "--check", str(PAGE)).code == 0


def test_a_page_that_has_drifted_is_refused(alone: Userctl) -> None:
    page = alone.folder / "settings.md"
    page.write_text(alone("config", "docs").out.replace("8080", "8081"), encoding="utf-8")
    done = alone("config", "docs", "--check", str(page))
    assert (done.code, done.error.split(":")[1]) == (65, " drifted")
