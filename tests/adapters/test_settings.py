"""Settings: complete, or a sentence for each fault."""

from pathlib import Path

import pytest

from adapters.settings import BadSettingsError, read_real, read_sandboxed

GUID = "7f1c2b1e-5b0a-4a0e-9d2f-1f2e3d4c5b6a"
COMPLETE = {
    "MicrosoftAppId": GUID,
    "MicrosoftAppPassword": "secret-of-the-bot",
    "MicrosoftAppTenantId": GUID,
    "DATABASE_URL": "postgresql://bot@db/mfa",
    "HELPDESK_GROUP_ID": GUID,
    "LEADS_GROUP_ID": GUID,
    "EXEMPT_SHORT_GROUP_ID": GUID,
    "EXEMPT_LONG_GROUP_ID": GUID,
    "HELPDESK_TEAM_ID": GUID.upper(),
    "HELPDESK_MAILBOX": "helpdesk@nhs.example",
}


def sentences(environ: dict[str, str], root: Path, *, sandbox: bool = False) -> tuple[str, ...]:
    with pytest.raises(BadSettingsError) as bad:
        (read_sandboxed if sandbox else read_real)(environ, root)
    return bad.value.sentences


def test_complete_settings_are_read_and_ids_are_in_lower_case(tmp_path: Path) -> None:
    settings = read_real(COMPLETE, tmp_path)
    assert settings.team == GUID
    assert settings.groups["exempt_short"] == GUID
    assert (settings.common.host, settings.common.port) == ("127.0.0.1", 3978)


def test_nothing_at_all_gives_a_sentence_for_each_setting(tmp_path: Path) -> None:
    found = "\n".join(sentences({}, tmp_path))
    for name in set(COMPLETE) - {"MicrosoftAppPassword"}:
        assert name in found


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_each_setting_is_missed_by_name(tmp_path: Path, name: str) -> None:
    found = sentences({key: value for key, value in COMPLETE.items() if key != name}, tmp_path)
    assert len(found) == 1
    assert name in found[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MicrosoftAppId", "not-an-id"),
        ("MicrosoftAppType", "SingelTenant"),
        ("PORT", "0"),
        ("PORT", "٣٩٧٨"),
        ("PORT", "99999"),
        ("DATABASE_URL", "mysql://db"),
        ("HELPDESK_MAILBOX", "helpdesk"),
        ("MicrosoftAppPasswordFile", "no/such/file"),
        ("MicrosoftAppCertificateFile", "no/such/file"),
    ],
)
def test_a_malformed_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    assert any(name in sentence for sentence in sentences(COMPLETE | {name: value}, tmp_path))


def test_no_sentence_and_no_representation_holds_the_secret(tmp_path: Path) -> None:
    assert "secret-of-the-bot" not in repr(read_real(COMPLETE, tmp_path))
    assert "secret-of-the-bot" not in "".join(sentences(COMPLETE | {"PORT": "x"}, tmp_path))


def test_the_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    without = {key: value for key, value in COMPLETE.items() if key != "MicrosoftAppPassword"}
    given = without | {"MicrosoftAppPasswordFile": str(tmp_path / "secret")}
    assert read_real(given, tmp_path).secret == "from a file"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.org", "::"])
def test_the_sandbox_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    assert "127.0.0.1" in sentences({"HOST": host}, tmp_path, sandbox=True)[0]


def test_the_sandbox_refuses_credentials(tmp_path: Path) -> None:
    found = sentences({"MicrosoftAppId": GUID, "MicrosoftAppPassword": "x"}, tmp_path, sandbox=True)
    assert len(found) == 2
    assert "x" not in found[1].split()
