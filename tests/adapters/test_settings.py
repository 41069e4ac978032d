"""Settings: complete, or a sentence for each fault."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from adapters.settings import BadSettingsError, database_url, read_keys, read_real, read_sandboxed, sandbox_keys

GUID = "7f1c2b1e-5b0a-4a0e-9d2f-1f2e3d4c5b6a"
NEW_KEY, OLD_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
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
    "EVIDENCE_KEYS": f"{NEW_KEY} {OLD_KEY}",
    "PUBLIC_URL": "https://mfa.nhs.example/",
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


def test_how_people_are_exempted_and_proved_is_read_with_and_without_the_sandbox(tmp_path: Path) -> None:
    usual = read_real(COMPLETE, tmp_path).common
    assert (usual.exemption_way, usual.mfa_policy, usual.revoke_sessions) == ("group", "", False)
    given = {"EXEMPTION_WAY": "PIM", "MFA_POLICY_ID": GUID.upper(), "REVOKE_SESSIONS": "yes"}
    for common in (read_real(COMPLETE | given, tmp_path).common, read_sandboxed(given, tmp_path).common):
        assert (common.exemption_way, common.mfa_policy, common.revoke_sessions) == ("pim", GUID, True)
    assert (
        len(sentences({"EXEMPTION_WAY": "x", "MFA_POLICY_ID": "a b", "REVOKE_SESSIONS": "1"}, tmp_path, sandbox=True))
        == 3
    )


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
        ("PUBLIC_URL", "http://mfa.nhs.example"),
        ("PUBLIC_URL", "mfa.nhs.example"),
        ("PUBLIC_URL", "https://user:word@mfa.nhs.example"),
        ("PUBLIC_URL", "https://mfa.nhs.example/?a=b"),
        ("FILE_HOSTS", "*"),
        ("FILE_HOSTS", "*.com"),
        ("FILE_HOSTS", "https://files.nhs.example"),
        ("EXEMPTION_WAY", "groups"),
        ("MFA_POLICY_ID", "the MFA policy"),
        ("MFA_POLICY_ID", "not-a-guid"),
        ("REVOKE_SESSIONS", "maybe"),
        ("EVIDENCE_KEYS_FILE", "no/such/file"),
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


def test_keys_may_stand_between_spaces_commas_or_lines_and_keep_their_order(tmp_path: Path) -> None:
    for between in (" ", ",", ", ", "\n"):
        assert read_keys({"EVIDENCE_KEYS": f"{NEW_KEY}{between}{OLD_KEY}\n"}) == (NEW_KEY, OLD_KEY)
    (tmp_path / "keys").write_text(f"{NEW_KEY}\n{OLD_KEY}\n")
    assert read_keys({"EVIDENCE_KEYS_FILE": str(tmp_path / "keys")}) == (NEW_KEY, OLD_KEY)


def test_a_malformed_key_is_named_by_its_place_and_never_by_its_value(tmp_path: Path) -> None:
    found = sentences(COMPLETE | {"EVIDENCE_KEYS": f"{NEW_KEY}, half-of-a-secret= {OLD_KEY[:-1]}"}, tmp_path)
    assert len(found) == 2
    assert "key 2" in found[0]
    assert "key 3" in found[1]
    assert "half-of-a-secret" not in "".join(found)
    assert OLD_KEY[:-1] not in "".join(found)


def test_no_representation_holds_a_key(tmp_path: Path) -> None:
    assert NEW_KEY not in repr(read_real(COMPLETE, tmp_path))


def test_the_public_address_has_no_slash_at_its_end(tmp_path: Path) -> None:
    assert read_real(COMPLETE, tmp_path).common.public_url == "https://mfa.nhs.example"


def test_files_come_from_sharepoint_unless_other_hosts_are_named(tmp_path: Path) -> None:
    assert read_real(COMPLETE, tmp_path).common.file_hosts == {"*.sharepoint.com"}
    named = read_real(COMPLETE | {"FILE_HOSTS": "*.SharePoint.us, files.nhs.example:8443"}, tmp_path)
    assert named.common.file_hosts == {"*.sharepoint.us", "files.nhs.example:8443"}


def test_the_sandbox_is_reached_where_it_listens(tmp_path: Path) -> None:
    given = {"PORT": "4001", "PUBLIC_URL": "https://mfa.nhs.example"}
    assert read_sandboxed(given, tmp_path).common.public_url == "http://127.0.0.1:4001"


def test_the_sandbox_refuses_keys_of_evidence(tmp_path: Path) -> None:
    assert "EVIDENCE_KEYS" in sentences({"EVIDENCE_KEYS": NEW_KEY}, tmp_path, sandbox=True)[0]


def test_the_sandbox_makes_its_key_once_and_for_its_user_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "var"
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: sandbox_keys(folder), range(32)))
    assert len(found) == 1
    Fernet(found.pop()[0])
    assert (folder / "evidence.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["evidence.key"]


def test_a_broken_key_of_the_sandbox_is_said(tmp_path: Path) -> None:
    (tmp_path / "evidence.key").write_text("x")
    with pytest.raises(BadSettingsError, match="key 1"):
        sandbox_keys(tmp_path)


def test_the_address_of_the_database_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://bot@db/mfa\n")
    given = COMPLETE | {"DATABASE_URL": "", "DATABASE_URL_FILE": str(file)}
    assert read_real(given, tmp_path).common.database_url == "postgresql://bot@db/mfa"
    assert database_url(given) == "postgresql://bot@db/mfa"
    with pytest.raises(BadSettingsError):
        database_url({"DATABASE_URL_FILE": "no/such/file"})


def test_a_certificate_beside_its_key_needs_no_thumbprint(tmp_path: Path) -> None:
    file = tmp_path / "bot.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n")
    given = COMPLETE | {"MicrosoftAppPassword": "", "MicrosoftAppCertificateFile": str(file)}
    assert read_real(given, tmp_path).certificate_file == str(file)
    file.write_text("-----BEGIN PRIVATE KEY-----\n")
    (said,) = sentences(given, tmp_path)
    assert "MicrosoftAppCertificateThumbprint" in said


def test_where_the_secret_came_from_is_kept_so_that_it_can_be_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2")
    settings = read_real(COMPLETE | {"MicrosoftAppPassword": "", "MicrosoftAppPasswordFile": str(file)}, tmp_path)
    assert settings.secret_file == str(file)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("given", ["-1", "10", "many", "1.5"])
def test_a_number_of_proxies_is_a_small_one(tmp_path: Path, given: str) -> None:
    (said,) = sentences({"PROXIES_IN_FRONT": given}, tmp_path, sandbox=True)
    assert "PROXIES_IN_FRONT" in said
    assert read_sandboxed({"PROXIES_IN_FRONT": "1"}, tmp_path).common.proxies == 1
