"""Each service around this one has an adapter, chosen by a setting, which must know where to go."""

import pytest

from usercore.settings import AuditAdapter, ServicesSettings, SettingsError, load


def refused(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(ServicesSettings, environ)
    return [problem.variable for problem in caught.value.problems]


def test_without_a_word_every_call_is_recorded_here() -> None:
    services = load(ServicesSettings, {})
    assert {services.authentication.adapter, services.notification.adapter, services.audit.adapter} == {"local"}
    assert services.kafka is None


@pytest.mark.parametrize("service", ["AUTHENTICATION", "NOTIFICATION", "AUDIT"])
def test_a_service_over_http_needs_an_address(service: str) -> None:
    chosen = {f"USER_SERVICE_{service}_ADAPTER": "http"}
    assert refused(**chosen) == [f"USER_SERVICE_{service}_URL"]
    load(ServicesSettings, chosen | {f"USER_SERVICE_{service}_URL": "https://service.example.com/base"})


def test_kratos_needs_the_address_of_its_admin_api() -> None:
    assert refused(USER_SERVICE_AUTHENTICATION_ADAPTER="kratos") == ["KRATOS_ADMIN_URL"]


def test_brokers_are_asked_for_where_audit_entries_go_to_a_topic_and_nowhere_else() -> None:
    assert refused(USER_SERVICE_AUDIT_ADAPTER="topic") == ["KAFKA_BOOTSTRAP"]
    given = {"USER_SERVICE_AUDIT_ADAPTER": "Topic", "KAFKA_BOOTSTRAP": "broker:9092"}
    services = load(ServicesSettings, given)
    assert services.audit.adapter is AuditAdapter.TOPIC
    assert services.kafka is not None
    assert services.kafka.bootstrap == ("broker:9092",)
    assert load(ServicesSettings, {"KAFKA_BOOTSTRAP": "broker:9092"}).kafka is None


def test_a_token_may_be_a_file_and_is_never_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("secrets") / "token"
    file.write_text("open-sesame==\n", encoding="utf-8")
    services = load(ServicesSettings, {"USER_SERVICE_AUDIT_TOKEN_FILE": str(file)})
    assert services.audit.token is not None
    assert services.audit.token.reveal() == "open-sesame=="
    assert "open-sesame" not in repr(services)
