"""The policy file: a bad one is refused with the line and the reason."""

import re
from pathlib import Path

import pytest

from adapters.policy_file import BadFileError, read_policy
from adapters.toml_lines import line_of
from domain.policy import LimitsForAgents, LimitsForPeople
from tests.builders import POLICY, ROOT

TEXT = (ROOT / "policy" / "policy.toml").read_text(encoding="utf-8")


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFileError) as bad:
        read_policy(path)
    return str(bad.value)


def line(text: str, part: str) -> str:
    return f"line {text[: text.index(part)].count(chr(10)) + 1},"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('duration = "PT24H"', 'duration = "a day"', "not a duration"),
        ('duration = "PT24H"', 'duration = "PT0S"', "above zero"),
        ('telephone = "0333 200 1133"', 'telephone = "none"', "telephone number"),
        ('telephone = "0333 200 1133"', 'telefone = "0333 200 1133"', "not known"),
        ('reminders = ["PT4H", "PT1H"]', 'reminders = ["PT4H", "PT40H"]', "before the end"),
        ('reminders = ["PT4H", "PT1H"]', 'reminders = ["PT4H", "PT4H"]', "once"),
        ('group = "exempt_short"', 'group = "everybody"', "exempt_short"),
        ('decided_by = ["helpdesk"]', "decided_by = []", "who may decide"),
        ('decided_by = ["helpdesk"]', 'decided_by = ["anybody"]', "who may decide"),
        ('id = "misplaced"', 'id = "other"', "used twice"),
        ('details = "required"', 'details = "maybe"', "required"),
        ("text = 1000 ", 'text = "many" ', "integer"),
        ("text = 1000 ", "text = 0 ", "1 to 4000"),
        ('draft_kept = "P7D"', 'draft_kept = "PT1H"', "20 hours"),
        ('register_method = "https://', 'register_method = "http://', "https://"),
        ('never = ["breakglass*@*"', 'never = ["*@*"', "bar everybody"),
        ("never_groups = []", 'never_groups = [" "]', "object id"),
        ("approvals_per_hour = 60", "approvals_per_hour = 0", "from 1"),
        ("same_site_per_day = 10", "same_site_per_day = 0", "from 1"),
        ("night_until = 06:00:00", "", "Give both"),
        ("requests_per_day = 30", "requests_per_day = 0", "from 1"),
        ("look_ups_per_hour = 60", "look_ups_per_hour = -1", "from 1"),
        ("look_ups_per_hour = 60", "look_ups_per_minute = 60", "not known"),
        ("begins = 20:00:00", 'begins = "20:00Z"', "UK local time"),
        ("begins = 20:00:00", "begins = 07:00:00", "another time"),
        ("begins = 20:00:00", "begins = 16:00:00", "working hours free"),
        ("ends = 07:00:00", "ends = 09:30:00", "working hours free"),
        ("begins = 20:00:00", "begins = 21:00", "valid"),
        ("ends = 07:00:00", "", "missing"),
        ("ends = 07:00:00", "until = 07:00:00", "not known"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    changed = TEXT.replace(old, new, 1)
    assert changed != TEXT
    found = refused(tmp_path, changed)
    assert said in found
    fault = re.search(r"line (\d+),", found)
    assert fault
    near = changed.splitlines()[max(0, int(fault[1]) - 4) : int(fault[1])]
    assert any(new.split("\n")[0].split(" =")[0] in one or new in one or "[" in one for one in near)


def test_a_policy_from_before_the_limits_is_still_valid_and_limits_nobody(tmp_path: Path) -> None:
    old = re.sub(r"\[limits_for_agents\][\s\S]*?(?=\[working\])", "", TEXT)
    old = re.sub(r"^never.*\n", "", old, flags=re.MULTILINE)
    old = re.sub(r"\[quiet_hours\][\s\S]*?\n\n", "", old)
    path = tmp_path / "policy.toml"
    path.write_text(old, encoding="utf-8")
    policy = read_policy(path)
    assert policy.account.never == policy.account.never_groups == ()
    assert policy.limits_for_agents == LimitsForAgents()
    assert policy.limits_for_people == LimitsForPeople()
    assert policy.quiet_hours is None


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    found = refused(tmp_path, TEXT.replace('"PT24H"', '"x"', 1).replace("telephone =", "telefon =", 1))
    assert len(found.splitlines()) == 3


def test_what_is_no_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    assert "line 3" in refused(tmp_path, 'a = 1\nb = 2\nc = "open\n')


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFileError, match="UTF-8"):
        read_policy(tmp_path / "binary.toml")


def test_the_shipped_policy_says_what_the_guide_says() -> None:
    short = POLICY.kinds["short"]
    assert short.duration.total_seconds() == 24 * 3600
    assert len(short.reasons) == 5
    assert [reminder.total_seconds() / 3600 for reminder in short.reminders] == [4, 1]
    followed_up = {reason.id for reason in short.reasons if reason.follow_up}
    assert followed_up == {"lost_or_stolen", "misplaced", "no_notification"}


def test_a_key_is_found_on_its_line() -> None:
    text = 'a = 1\n[[users]]\nid = "x"\n[[users]]\n# id\ntext = """\nid = 5\n"""\nid = "y"\n[t.u]\nk.v = 2\n'
    assert line_of(text, ("users", 0, "id")) == 3
    assert line_of(text, ("users", 1, "id")) == 9
    assert line_of(text, ("users", 1, "gone")) == 4
    assert line_of(text, ("t", "u", "k", "v")) == 11
    assert line_of(text, ("nothing",)) is None
