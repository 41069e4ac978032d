"""Nothing of the policy is repeated in code."""

import re

import pytest

from tests.builders import POLICY, ROOT, RULES

CODE = [
    path
    for folder in ("domain", "dialogs", "cards", "services", "adapters", "bot")
    for path in (ROOT / folder).rglob("*.py")
]


@pytest.mark.parametrize(
    "figure",
    [
        POLICY.helpdesk.telephone,
        POLICY.helpdesk.name,
        POLICY.links.guide,
        *[kind.title for kind in POLICY.kinds.values()],
        *[reason.title for kind in POLICY.kinds.values() for reason in kind.reasons],
        *[item.title for item in RULES.items],
        *[option.title for option in (*RULES.methods, *RULES.remedies)],
        RULES.statement,
    ],
)
def test_no_figure_or_word_of_the_policy_stands_in_code(figure: str) -> None:
    assert [path.name for path in CODE if figure in path.read_text(encoding="utf-8")] == []


def test_no_duration_of_the_policy_stands_in_code() -> None:
    pattern = re.compile(r"hours=24|hours=4\b|days=180|days=90|24 hours exception|PT24H")
    found = [path.name for path in CODE if pattern.search(re.sub(r'"""[\s\S]*?"""', "", path.read_text()))]
    assert set(found) <= {"policy_faults.py", "policy_file.py"}  # where an example is given to whoever mends a file
