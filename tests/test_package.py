"""The Teams package: what is in it, what it asks for, and what is refused."""

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from adapters.settings import BadSettingsError
from dialogs.commands import COMMANDS, WITH_REFERENCE, command_in
from dialogs.spelling import normal
from manifest import package
from manifest.package import Wanted, filled
from tests.builders import ROOT
from tests.test_command_line import run

SCHEMA = ROOT / "node_modules/@microsoft/app-manifest/build/json-schemas/teams/v1.25/MicrosoftTeams.schema.json"
BOT = "7f1c2b1e-5b0a-4a0e-9d2f-1f2e3d4c5b6a"
GOOD = Wanted(
    bot_id=BOT,
    host="mfa.example.nhs.uk",
    developer="Example NHS Trust",
    website="https://example.nhs.uk/mfa",
    privacy="https://example.nhs.uk/privacy",
    terms="https://example.nhs.uk/terms?of=use#top",
    version="1.0.0",
    app_id="",
    resource="",
)
FLAGS = {
    "bot_id": "--bot-id",
    "host": "--host-name",
    "developer": "--developer",
    "website": "--website",
    "privacy": "--privacy",
    "terms": "--terms",
    "version": "--package-version",
    "app_id": "--app-id",
    "resource": "--resource",
}


def schema_faults(manifest: Any) -> list[str]:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8-sig"))
    return [error.message for error in Draft4Validator(schema).iter_errors(manifest)]


def faults(**wrong: str) -> tuple[str, ...]:
    with pytest.raises(BadSettingsError) as refused:
        package.package(replace(GOOD, **wrong))
    return refused.value.sentences


def command_lists() -> dict[str, list[dict[str, str]]]:
    return {one["scopes"][0]: one["commands"] for one in filled(GOOD)["bots"][0]["commandLists"]}


def arguments(out: Path, wanted: Wanted = GOOD) -> list[str]:
    given = [(flag, getattr(wanted, name)) for name, flag in FLAGS.items()]
    return ["package", "--out", str(out), *[f"{flag}={value}" for flag, value in given if value]]


def test_the_manifest_keeps_microsofts_schema() -> None:
    manifest = filled(GOOD)
    assert schema_faults(manifest) == []
    assert manifest["manifestVersion"] == "1.25"
    assert f"/v{manifest['manifestVersion']}/" in manifest["$schema"]
    assert schema_faults(manifest | {"name": {}}) != []


def test_the_zip_holds_three_files_at_its_root_and_no_place_is_left_open() -> None:
    with ZipFile(io.BytesIO(package.package(GOOD))) as packed:
        assert packed.namelist() == ["manifest.json", "color.png", "outline.png"]
        assert packed.testzip() is None
        text = packed.read("manifest.json").decode()
        manifest = json.loads(text)
        assert set(manifest["icons"].values()) <= set(packed.namelist())
    assert manifest == filled(GOOD)
    assert "${" not in text


def test_everything_that_names_the_bot_names_the_same_one() -> None:
    manifest = filled(replace(GOOD, bot_id=BOT.upper(), host="MFA.Example.nhs.uk"))
    assert {manifest["bots"][0]["botId"], manifest["composeExtensions"][0]["botId"]} == {BOT}
    assert manifest["webApplicationInfo"] == {"id": BOT, "resource": f"api://mfa.example.nhs.uk/botid-{BOT}"}
    assert manifest["validDomains"] == ["mfa.example.nhs.uk"]
    handlers = manifest["composeExtensions"][0]["messageHandlers"]
    assert handlers == [
        {"type": "link", "value": {"domains": ["mfa.example.nhs.uk"], "supportsAnonymizedPayloads": False}}
    ]


def test_the_bot_works_alone_and_in_a_team_and_takes_files() -> None:
    manifest = filled(GOOD)
    bot = manifest["bots"][0]
    assert bot["scopes"] == ["personal", "team"]
    assert bot["supportsFiles"] is True
    assert bot["isNotificationOnly"] is False
    assert manifest["defaultInstallScope"] == "personal"


def test_the_apps_id_is_its_own_and_stays_the_same_for_a_bot() -> None:
    first = filled(GOOD)["id"]
    assert first == filled(replace(GOOD, version="2.0.0", host="other.example.nhs.uk", bot_id=BOT.upper()))["id"]
    assert first not in (BOT, filled(replace(GOOD, bot_id=BOT.replace("7", "8")))["id"])
    other = "11111111-2222-3333-4444-555555555555"
    assert filled(replace(GOOD, app_id=other))["id"] == other


def test_the_same_input_gives_the_same_bytes() -> None:
    assert package.package(GOOD) == package.package(GOOD)
    assert package.package(GOOD) != package.package(replace(GOOD, version="1.0.1"))


@pytest.mark.parametrize("scope", ["personal", "team"])
def test_each_command_of_the_manifest_is_one_that_the_bot_understands(scope: str) -> None:
    commands = command_lists()[scope]
    assert 0 < len(commands) <= 10
    assert len({one["title"] for one in commands}) == len(commands)
    for one in commands:
        understood = command_in(one["title"]).command
        assert normal(one["title"]) in COMMANDS[understood], one
        assert len(one["title"]) <= 32
        assert 10 < len(one["description"]) <= 128
        if "reference" in one["description"]:
            assert understood in WITH_REFERENCE, one
            typed = command_in(f"{one['title']} MFA-7K3Q-9XDM")
            assert (typed.command, typed.reference) == (understood, "MFA-7K3Q-9XDM")


def test_both_lists_begin_with_help() -> None:
    assert {commands[0]["title"] for commands in command_lists().values()} == {"help"}


def test_nothing_is_asked_for_without_a_reason_and_no_reason_is_left_over() -> None:
    manifest = filled(GOOD)
    specific = manifest.get("authorization", {}).get("permissions", {}).get("resourceSpecific", [])
    asked = {*manifest["permissions"], *manifest.get("devicePermissions", []), *(one["name"] for one in specific)}
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    section = page.partition("### What the app asks for")[2].partition("\n##")[0]
    reasons = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", section, re.MULTILINE))
    assert set(reasons) == asked
    assert all(len(reason.split()) > 5 for reason in reasons.values())


def test_the_search_says_what_can_be_searched_for() -> None:
    (command,) = filled(GOOD)["composeExtensions"][0]["commands"]
    assert (command["id"], command["type"], command["initialRun"]) == ("findRequest", "query", True)
    assert command["context"] == ["compose", "commandBox"]
    (parameter,) = command["parameters"]
    assert (parameter["name"], parameter["title"]) == ("query", "Reference, name or site")
    assert command["description"]
    assert parameter["description"]


def test_the_words_of_the_listing_keep_the_stores_rules() -> None:
    manifest = filled(GOOD)
    short, full = manifest["description"]["short"], manifest["description"]["full"]
    assert not re.search(r"\bapps?\b", short, re.IGNORECASE)
    assert short.count(".") == 1
    assert len(full.split()) <= 500
    assert not re.search(r"\b(MS|MSFT|best|certified|powered by|appsource)\b", full, re.IGNORECASE)
    assert "works with Microsoft Teams" in full
    assert GOOD.website in full
    reserved = r"\b(chat|contacts|calendar|calls|files|activity|apps?|help|teams|microsoft|outlook)\b"
    assert not re.search(reserved, " ".join(manifest["name"].values()), re.IGNORECASE)
    texts = [short, full, *(one["description"] for every in command_lists().values() for one in every)]
    assert not any(re.search(r"n['’]t\b|!", text) for text in texts)


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("bot_id", "", "MicrosoftAppId"),
        ("bot_id", "28:" + BOT, "8-4-4-4-12"),
        ("bot_id", BOT[:-1], "8-4-4-4-12"),
        ("app_id", "mfa-exceptions", "leave it out"),
        ("host", "", "PUBLIC_URL"),
        ("host", "https://mfa.example.nhs.uk", "without https://"),
        ("host", "http://mfa.example.nhs.uk", "without https://"),
        ("host", "mfa.example.nhs.uk/api/messages", "without a path"),
        ("host", "mfa.example.nhs.uk:3978", "without a port"),
        ("host", "mfa.example nhs.uk", "no spaces"),
        ("host", "localhost", "your own machine"),
        ("host", "bot.localhost", "your own machine"),
        ("host", "10.1.2.3", "IP address"),
        ("host", "10.1.2.3:443", "IP address"),
        ("host", "[2001:db8::1]", "IP address"),
        ("host", "2001:db8::1", "IP address"),
        ("host", "mfa", "no public host name"),
        ("host", "*.example.nhs.uk", "without wildcards"),
        ("host", "-mfa.example.nhs.uk", "no public host name"),
        ("host", "mfa..nhs.uk", "no public host name"),
        ("host", "mfa.example.nhs.u\u212a", "no public host name"),
        ("host", ".".join(["a" * 60] * 5), "no public host name"),
        ("version", "", "1.2.0"),
        ("version", "1.0", "1.2.0"),
        ("version", "v1.0.0", "1.2.0"),
        ("version", "01.0.0", "1.2.0"),
        ("version", "1.0.0-beta", "1.2.0"),
        ("version", "1.0.٣", "1.2.0"),
        ("developer", "", "organisation"),
        ("developer", "x" * 33, "33 characters"),
        ("developer", "Example\nTrust", "cannot be shown"),
        ("website", "", "is missing"),
        ("website", "http://example.nhs.uk/mfa", "begins with https://"),
        ("privacy", "example.nhs.uk/privacy", "begins with https://"),
        ("privacy", "https://localhost/privacy", "begins with https://"),
        ("terms", "https://example.nhs.uk/terms of use", "begins with https://"),
        ("terms", "https://somebody@example.nhs.uk/terms", "begins with https://"),
        ("terms", "https://example.nhs.uk/" + "x" * 2048, "begins with https://"),
        ("resource", "mfa-exceptions", "api://"),
    ],
)  # fmt: skip
def test_what_is_wrong_gets_a_sentence_that_names_the_flag_and_the_way_out(field: str, given: str, said: str) -> None:
    (sentence,) = faults(**{field: given})
    assert sentence.startswith(FLAGS[field])
    assert said in sentence
    assert sentence.endswith(".")


def test_all_that_is_wrong_is_said_at_once() -> None:
    sentences = faults(bot_id="x", host="localhost", version="1", developer="", website="x", privacy="x", terms="x")
    assert len(sentences) == 7


MUTATED = st.builds(
    lambda value, at, more: value[:at] + more + value[at:],
    st.sampled_from([str(getattr(GOOD, name)) for name in FLAGS]),
    st.integers(0, 40),
    st.text(max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FLAGS)), st.text(max_size=40) | MUTATED, max_size=4))
def test_whatever_is_given_it_is_refused_with_sentences_or_the_schema_is_kept(given: dict[str, str]) -> None:
    wanted = package.wanted({name: getattr(GOOD, name) for name in FLAGS} | given, {})
    sentences: tuple[str, ...] = ()
    try:
        manifest = filled(wanted)
    except BadSettingsError as refused:
        sentences = refused.sentences
    assert all(sentence.startswith("--") and sentence.endswith(".") for sentence in sentences)
    if sentences:
        return
    assert schema_faults(manifest) == []
    assert re.fullmatch(r"[a-z0-9.-]+", manifest["validDomains"][0])
    assert all(str(url).lower().startswith("https://") for name, url in manifest["developer"].items() if name != "name")


def test_words_that_look_like_a_place_in_the_template_are_only_words() -> None:
    assert filled(replace(GOOD, developer='${{HOST}} "x"'))["developer"]["name"] == '${{HOST}} "x"'


def test_the_bot_and_its_host_may_come_from_the_settings_of_serve() -> None:
    environ = {"MicrosoftAppId": BOT, "PUBLIC_URL": "https://mfa.example.nhs.uk:8443/bot"}
    found = package.wanted({"developer": "Example"}, environ)
    assert (found.bot_id, found.host) == (BOT, "mfa.example.nhs.uk")
    found = package.wanted({"bot_id": "other", "host": "flag.example.nhs.uk"}, environ)
    assert (found.bot_id, found.host) == ("other", "flag.example.nhs.uk")
    assert package.wanted({}, {"PUBLIC_URL": "https://[broken"}).host == "https://[broken"


def test_the_command_writes_the_file_and_says_what_to_do_with_it(tmp_path: Path) -> None:
    out = tmp_path / "mfa.zip"
    out.write_text("an older one")
    done = run(*arguments(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert out.read_bytes() == package.package(GOOD)
    assert list(tmp_path.iterdir()) == [out]
    assert f"https://teams.microsoft.com/l/chat/0/0?users=28%3A{BOT}" in done.stdout


def test_bad_input_ends_with_2_and_leaves_the_older_file_alone(tmp_path: Path) -> None:
    out = tmp_path / "mfa.zip"
    out.write_text("an older one")
    done = run(*arguments(out, replace(GOOD, host="localhost", version="one")))
    assert done.returncode == 2
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["--host-name", "--package-version"]
    assert out.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [out]


def test_a_disk_that_is_full_leaves_the_older_file_and_nothing_half_written(tmp_path: Path) -> None:
    out = tmp_path / "mfa.zip"
    out.write_text("an older one")
    command = ["sh", "-c", 'ulimit -f 4; exec "$0" "$@"', sys.executable, "app.py", *arguments(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert out.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("name", ["no/such/folder/mfa.zip", ".", "x\0.zip"])
def test_a_file_that_cannot_be_is_said_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettingsError, match=r"--out: .* cannot be written"):
        package.write(tmp_path / name, b"content")
    with pytest.raises(BadSettingsError, match="no file name"):
        package.write(Path(""), b"content")
    assert list(tmp_path.iterdir()) == []
