"""Settings that could not be safe are refused when they are made, and hosts are compared exactly."""

from typing import Any

import pytest

from bot.gateway.hosts import may_talk_to
from bot.gateway.settings import (
    TEAMS_HOSTS,
    AppType,
    Certificate,
    ClientSecret,
    GatewaySettings,
    ManagedIdentity,
)
from tests.microsoft.people import APP_ID, TENANT


def made(**changes: Any) -> GatewaySettings:
    usual: dict[str, Any] = {
        "app_id": APP_ID,
        "app_tenant_id": TENANT,
        "allowed_tenants": frozenset({TENANT}),
        "credentials": ClientSecret("secret"),
    }
    return GatewaySettings(**(usual | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": ""},
        {"app_id": "misspelt"},
        {"app_tenant_id": ""},
        {"allowed_tenants": frozenset()},
        {"allowed_tenants": frozenset({TENANT.upper()})},
        {"credentials": None},
        {"credentials": ManagedIdentity()},
        {"app_type": AppType.MANAGED_IDENTITY},
        {"service_hosts": frozenset()},
        {"metadata_url": "http://login.botframework.com/"},
        {"authority": "http://login.microsoftonline.com"},
        {"open_loopback": True},
        {"open_loopback": True, "credentials": None, "allowed_tenants": frozenset()},
    ],
    ids=str,
)
def test_unsafe_settings_are_refused_with_a_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\."):
        made(**changes)


def test_each_way_to_prove_who_the_bot_is_is_taken() -> None:
    made(credentials=Certificate("bot.pem", "AB" * 20))
    made(credentials=ManagedIdentity(), app_type=AppType.MANAGED_IDENTITY)
    made(app_type=AppType.MULTI_TENANT, app_tenant_id="")
    made(open_loopback=True, credentials=None, app_id="")


def test_a_secret_is_not_in_the_text_of_the_settings() -> None:
    assert "swordfish" not in repr(made(credentials=ClientSecret("swordfish")))


def test_teams_own_hosts_are_allowed() -> None:
    for url in (
        "https://smba.trafficmanager.net/uk/",
        "https://smba.trafficmanager.net/emea/37c354b2-85b0-47f5-b222-07b48d774ee3/",
        "https://SMBA.trafficmanager.net:443/uk",
        "https://europe.directline.botframework.com",
        "https://smba.infra.gcc.teams.microsoft.com/gcc/",
        "https://smba.infra.gov.teams.microsoft.us/gov/",
    ):
        assert may_talk_to(url, TEAMS_HOSTS)
        assert not may_talk_to(url, TEAMS_HOSTS, only_loopback=True)


def test_the_sandbox_talks_to_this_machine_only() -> None:
    for url in ("http://127.0.0.1:56150/_connector", "http://localhost:56150", "https://[::1]:1/", "http://127.8.9.1"):
        assert may_talk_to(url, TEAMS_HOSTS, only_loopback=True)
        assert not may_talk_to(url, TEAMS_HOSTS)
    for url in ("http://127.0.0.1.evil.example", "http://localhost@evil.example", "http://10.0.0.1", "http://0.0.0.0"):
        assert not may_talk_to(url, TEAMS_HOSTS, only_loopback=True)
