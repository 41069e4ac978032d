"""Values for tests: each builder gives a whole, valid one, and takes what the test is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.policy_file import read_policy
from domain.decisions import Facts
from domain.people import Account, Person
from domain.policy import Policy
from domain.request import Cause, Closing, Decided, Request, State, Stuck, Verified

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 8, 6, 12, 0, tzinfo=UTC)
POLICY: Policy = read_policy(ROOT / "policy" / "policy.toml")


def person(name: str = "Sam Price") -> Person:
    short = name.lower().replace(" ", ".")
    return Person(id=f"id-of-{short}", name=name, address=f"{short}@nhs.net")


SUBJECT, ASKER, AGENT, OTHER_AGENT, STRANGER = (
    person("Sam Price"),
    person("Alex Reed"),
    person("Helen Desk"),
    person("Harry Desk"),
    person("Nobody Known"),
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


def stuck(attempts: int = 1) -> Stuck:
    return Stuck(NOON + timedelta(minutes=6), "Graph answered 503", attempts)
