"""Values for tests: each builder gives a whole, valid one, and takes what the test is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.policy_file import read_policy
from domain import timeline
from domain.outcome import Facts
from domain.people import Account, Person
from domain.policy import Evidence, Policy
from domain.request import (
    Answer,
    Cause,
    Closing,
    Decided,
    Given,
    MailboxCode,
    Question,
    Request,
    State,
    Stuck,
    Verified,
)
from domain.site import Site

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 8, 6, 12, 0, tzinfo=UTC)
POLICY_FILE = ROOT / "policy" / "policy.toml"
POLICY: Policy = read_policy(POLICY_FILE)


def person(name: str = "Sam Price") -> Person:
    short = name.lower().replace(" ", ".")
    return Person(id=f"id-of-{short}", name=name, address=f"{short}@nhs.net")


SUBJECT, ASKER, AGENT, OTHER_AGENT, STRANGER, OWNER, OTHER_OWNER = (
    person("Sam Price"),
    person("Alex Reed"),
    person("Helen Desk"),
    person("Harry Desk"),
    person("Nobody Known"),
    person("Olive Owner"),
    person("Oscar Owner"),
)


def account(**given: Any) -> Account:
    return replace(Account(SUBJECT, True, ("password", "microsoftAuthenticator"), False), **given)


def facts(**given: Any) -> Facts:
    values: dict[str, Any] = {
        "account": account(),
        "reference": "MFA-7K3Q-9XDM",
        "tenant_id": "tenant",
        "group_id": "group",
        "groups": frozenset({"helpdesk"}),
        "by_account": account(),
        "code_digest": RIGHT_DIGEST,
        "answers": ANSWERS,
    }
    return Facts(**(values | given))


def request(state: State = State.AWAITING_DECISION, **given: Any) -> Request:
    """A request as it looks in this state, asked for at noon."""
    one = Request(
        reference="MFA-7K3Q-9XDM",
        tenant_id="tenant",
        kind="short",
        group_id="group",
        state=state,
        subject=SUBJECT,
        asked_by=SUBJECT,
        reason="lost_or_stolen",
        details="",
        methods=("password", "microsoftAuthenticator"),
        policy_version=POLICY.version,
        asked_at=NOON,
    )
    approved = Decided(AGENT, NOON + timedelta(minutes=5), approved=True)
    starts = NOON + timedelta(minutes=6)
    granted: dict[str, Any] = {
        "decided": approved,
        "verified": Verified("call_back", AGENT, approved.at, "INC1"),
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=24),
    }
    by_state: dict[State, dict[str, Any]] = {
        State.AWAITING_DECISION: {"next_due": NOON + timedelta(days=3)},
        State.GRANTING: {
            "decided": approved,
            "verified": granted["verified"],
            "next_due": NOON + timedelta(minutes=15),
        },
        State.ACTIVE: granted | {"next_due": starts + timedelta(hours=20)},
        State.ENDING: granted
        | {"closing": Closing(Cause.EXPIRED), "next_due": starts + timedelta(hours=24, minutes=10)},
        State.ENDED: granted
        | {"closing": Closing(Cause.REVOKED, AGENT, "Not needed"), "closed_at": starts + timedelta(hours=3)},
        State.REJECTED: {
            "decided": Decided(AGENT, approved.at, approved=False, words="Not verified"),
            "closed_at": approved.at,
        },
        State.WITHDRAWN: {"closed_at": approved.at},
        State.LAPSED: {"closed_at": NOON + timedelta(days=3)},
    }
    return replace(one, **(by_state[state] | given))


SITE = Site("ZZ901", "Riverside Medical Practice", "admin.riverside@nhs.net", (OWNER, OTHER_OWNER))
LONG = POLICY.kinds["long"]


def _rules() -> Evidence:
    assert LONG.evidence is not None
    return LONG.evidence


RULES = _rules()
RIGHT_DIGEST = "d1"
ANSWERS = {
    item.id: "31 March 2027" if item.form == "date" else "A sentence that is long enough to count as an answer here."
    for item in LONG.checklist("secure_location")
}


def long_request(state: State = State.AWAITING_DECISION, **changed: Any) -> Request:
    """A long-term request as it looks in this state: asked for by a colleague at noon, evidence given by an owner."""
    code = MailboxCode("00", RIGHT_DIGEST, NOON, 5, number=1)
    used = replace(code, used_by=OWNER, used_at=NOON + timedelta(minutes=1))
    given = Given(OWNER, SITE.mailbox, NOON + timedelta(minutes=2), 5, 5, 1, "e" * 64)
    base = request(State.AWAITING_DECISION if state is State.AWAITING_EVIDENCE else state)
    one = replace(
        base,
        kind="long",
        group_id="group-long",
        state=state,
        reason="secure_location",
        asked_by=ASKER,
        site=SITE,
        tried=(Answer("app", "No phones beyond the door"), Answer("text", "The same"), Answer("call", "The same")),
        remedies=(Answer("hardware_key", "Not allowed inside"),),
        since="March 2026",
        codes=1,
        verified=None,
        code=code if state is State.AWAITING_EVIDENCE else used,
        given=None if state is State.AWAITING_EVIDENCE else given,
        waiting_since=None if state is State.AWAITING_EVIDENCE else given.at,
        ends_at=base.starts_at + LONG.duration if base.starts_at else None,
    )
    if state is State.ENDED and one.ends_at:
        one = replace(one, closed_at=one.ends_at)
    one = replace(one, **changed)
    return (
        replace(one, next_due=timeline.next_due(one, POLICY, one.starts_at or NOON))
        if "next_due" not in changed
        else one
    )


def sent_back(words: str = "Which ward is it?") -> Request:
    """Evidence was given, and the helpdesk asked for more."""
    at = NOON + timedelta(hours=1)
    one = long_request(State.AWAITING_DECISION)
    return replace(one, state=State.AWAITING_EVIDENCE, questions=(Question(AGENT, at, words),), waiting_since=at)


def stuck(attempts: int = 1) -> Stuck:
    return Stuck(NOON + timedelta(minutes=6), "Graph answered 503", attempts)
