"""What a well-formed policy can still get wrong."""

from collections.abc import Iterator
from datetime import timedelta

from domain.moments import is_between
from domain.policy import (
    DECIDERS,
    FILE_KINDS,
    GROUPS,
    SHORT,
    About,
    AccountRules,
    Details,
    Evidence,
    EvidenceItem,
    Form,
    Kind,
    Limits,
    LimitsForAgents,
    LimitsForPeople,
    Policy,
    QuietHours,
    Reconciling,
    WorkingTime,
)

Fault = tuple[tuple[str | int, ...], str]
"""Where in the file (a path of keys) and a sentence that says how to mend it."""


def faults(policy: Policy) -> Iterator[Fault]:
    if not policy.version.strip():
        yield ("version",), "Give the policy a version, for example the date."
    if not any(character.isdigit() for character in policy.helpdesk.telephone):
        yield ("helpdesk", "telephone"), "Give the helpdesk's telephone number."
    for name in ("register_method", "guide"):
        if not getattr(policy.links, name).startswith("https://"):
            yield ("links", name), "A link must begin with https://."
    if not policy.account.core_methods:
        yield (
            ("account", "core_methods"),
            "Name at least one authentication method, for example microsoftAuthenticator.",
        )
    yield from _never_faults(policy.account)
    yield from _limit_faults(policy.limits)
    yield from _agent_faults(policy.limits_for_agents)
    yield from _people_faults(policy.limits_for_people)
    yield from _reconcile_faults(policy.reconcile)
    yield from _working_faults(policy.working)
    if policy.quiet_hours:
        yield from _quiet_faults(policy.quiet_hours, policy.working)
    if SHORT not in policy.kinds:
        yield ("kinds",), f"The kind “{SHORT}” is missing: add [kinds.{SHORT}]."
    if not policy.verifications:
        yield ("verifications",), "Name at least one way to verify a caller: add [[verifications]]."
    yield from _repeated(("verifications",), [way.id for way in policy.verifications])
    for name, kind in policy.kinds.items():
        yield from _kind_faults(("kinds", name), kind)


def _limit_faults(limits: Limits) -> Iterator[Fault]:
    if limits.draft_kept < timedelta(hours=20):
        yield ("limits", "draft_kept"), "Keep half-finished conversations for 20 hours (PT20H) or more."
    if limits.history < timedelta(0):
        yield ("limits", "history"), "Give a duration that is not negative, for example P90D."
    if not 1 <= limits.text <= 4000:
        yield ("limits", "text"), "Give a number of characters from 1 to 4000."
    if limits.check_again < timedelta(minutes=1):
        yield ("limits", "check_again"), "Give a duration of one minute (PT1M) or more."
    if not timedelta(minutes=1) <= limits.prove_within <= timedelta(days=1):
        yield ("limits", "prove_within"), "Give a duration from one minute (PT1M) to one day (P1D)."

    if limits.look_at_accounts < timedelta(minutes=1):
        yield ("limits", "look_at_accounts"), "Give a duration of one minute (PT1M) or more."


def _never_faults(account: AccountRules) -> Iterator[Fault]:
    for position, pattern in enumerate(account.never):
        if not pattern.replace("*", "").replace("?", "").strip(" @."):
            yield ("account", "never", position), "This would bar everybody. Name an object id, or part of an address."
    for position, group in enumerate(account.never_groups):
        if not group.strip():
            yield ("account", "never_groups", position), "Name the group's object id."


def _agent_faults(limits: LimitsForAgents) -> Iterator[Fault]:
    path, unusual = "limits_for_agents", limits.unusual
    if limits.approvals_per_hour is not None and limits.approvals_per_hour < 1:
        yield (path, "approvals_per_hour"), "Give a number of approvals from 1, or leave it out for no limit."
    if unusual.same_site_per_day is not None and unusual.same_site_per_day < 1:
        yield (path, "unusual", "same_site_per_day"), "Give a number of approvals from 1, or leave it out."
    if (unusual.night_from is None) != (unusual.night_until is None):
        yield (path, "unusual"), "Give both night_from and night_until, or neither."
    if any(moment and moment.tzinfo for moment in (unusual.night_from, unusual.night_until)):
        yield (path, "unusual"), "Give the night as UK local time, for example 22:00:00."


def _people_faults(limits: LimitsForPeople) -> Iterator[Fault]:
    for name in ("requests_per_day", "requests_per_site_and_day", "look_ups_per_hour"):
        number = getattr(limits, name)
        if number is not None and number < 1:
            yield ("limits_for_people", name), "Give a number from 1, or leave it out for no limit."


def _reconcile_faults(reconcile: Reconciling) -> Iterator[Fault]:
    if not timedelta(minutes=1) <= reconcile.every <= timedelta(days=1):
        yield ("reconcile", "every"), "Give a duration from one minute (PT1M) to one day (P1D)."
    if not 1 <= reconcile.most_removals <= 1000:
        yield ("reconcile", "most_removals"), "Give a number from 1 to 1000."
    for position, one in enumerate(reconcile.other_exclusions):
        if not one.strip():
            yield ("reconcile", "other_exclusions", position), "Name the object id of an account, a group or a role."


def _working_faults(working: WorkingTime) -> Iterator[Fault]:
    if working.opens.tzinfo or working.closes.tzinfo:
        yield ("working",), "Give opens and closes as UK local time, for example 09:00:00."
    elif working.opens.hour + 1 > working.closes.hour:
        yield ("working", "closes"), "Close at least an hour after opening, on the same day."


def _quiet_faults(quiet: QuietHours, working: WorkingTime) -> Iterator[Fault]:
    if quiet.begins.tzinfo or quiet.ends.tzinfo:
        yield ("quiet_hours",), "Give begins and ends as UK local time, for example 20:00:00."
    elif quiet.begins == quiet.ends:
        yield ("quiet_hours", "ends"), "End at another time than the quiet hours begin, or take [quiet_hours] out."
    elif working.opens.tzinfo or working.closes.tzinfo:
        return
    elif is_between(working.opens, quiet.begins, quiet.ends) or working.opens < quiet.begins < working.closes:
        yield (
            ("quiet_hours",),
            "Leave the working hours free: begin when they close or later, and end before they open.",
        )


def _kind_faults(path: tuple[str | int, ...], kind: Kind) -> Iterator[Fault]:
    if kind.duration <= timedelta(0):
        yield (*path, "duration"), "Give a duration above zero, for example PT24H."
    if kind.lapses_after <= timedelta(0):
        yield (*path, "lapses_after"), "Give a duration above zero, for example P3D."
    if kind.group not in GROUPS:
        yield (*path, "group"), f"Name one of these groups: {', '.join(GROUPS)}."
    if not kind.decided_by or not set(kind.decided_by) <= set(DECIDERS):
        yield (*path, "decided_by"), f"Name who may decide, from these: {', '.join(DECIDERS)}."
    for position, reminder in enumerate(kind.reminders):
        if not timedelta(0) < reminder < kind.duration:
            yield (*path, "reminders", position), "A reminder must come after the start and before the end."
    if len(set(kind.reminders)) != len(kind.reminders):
        yield (*path, "reminders"), "Name each reminder once."
    if not kind.reasons:
        yield (*path, "reasons"), "Give at least one reason."
    yield from _repeated((*path, "reasons"), [reason.id for reason in kind.reasons])
    for position, reason in enumerate(kind.reasons):
        if reason.details is not Details.NO and not reason.details_question.strip():
            yield (*path, "reasons", position, "details_question"), "Say what to ask for: details_question is missing."
        for name in ("id", "title"):
            if not getattr(reason, name).strip():
                yield (*path, "reasons", position, name), f"The {name} must not be empty."
        items = [item.id for item in reason.evidence]
        if items and kind.evidence is None:
            yield (*path, "reasons", position, "evidence"), f"Add [{'.'.join(map(str, path))}.evidence] as well."
        yield from _repeated((*path, "reasons", position, "evidence"), items)
        yield from _item_faults((*path, "reasons", position, "evidence"), reason.evidence)
        common = [item.id for item in kind.evidence.items] if kind.evidence else []
        if set(items) & set(common):
            yield (*path, "reasons", position, "evidence"), "An id is used here and in the evidence's own items."
    yield from _time_faults(path, kind)
    if kind.evidence is not None:
        yield from _evidence_faults((*path, "evidence"), kind.evidence)


def _time_faults(path: tuple[str | int, ...], kind: Kind) -> Iterator[Fault]:
    half_way, escalation, repeat = kind.half_way, kind.escalation, kind.repeat
    if half_way and not timedelta(0) < half_way.after < half_way.after + half_way.answer_within < kind.duration:
        yield (*path, "half_way"), "Ask after the start, and wait for the answer until before the end."
    if escalation and not timedelta(0) < escalation.channel_after <= escalation.leads_after < kind.lapses_after:
        yield (*path, "escalation"), "Bring it up in the channel first, then with the leads, before it lapses."
    if kind.renewal_opens is not None and not timedelta(0) < kind.renewal_opens < kind.duration:
        yield (*path, "renewal_opens"), "Give a duration above zero and below the length, for example P45D."
    if repeat and (repeat.most < 1 or repeat.window <= timedelta(0)):
        yield (*path, "repeat"), "Give a number of 1 or more and a window above zero."


def _evidence_faults(path: tuple[str | int, ...], evidence: Evidence) -> Iterator[Fault]:
    if evidence.given_within <= timedelta(0):
        yield (*path, "given_within"), "Give a duration above zero, for example P28D."
    for name in ("remind_after", "remind_others_after"):
        if not all(timedelta(0) < after < evidence.given_within for after in getattr(evidence, name)):
            yield (*path, name), "A reminder must come before the time for the evidence is up."
    if evidence.code.tries < 1 or evidence.code.most < 1:
        yield (*path, "code"), "Give numbers of 1 or more."
    if evidence.files.most < 0 or not 1 <= evidence.files.bytes <= 25_000_000:
        yield (*path, "files"), "Give a number of files, and a size of 1 to 25000000 bytes."
    if not set(evidence.files.kinds) <= set(FILE_KINDS):
        yield (*path, "files", "kinds"), f"Name some of these: {', '.join(FILE_KINDS)}."
    if not 100 <= evidence.longest <= 4000:
        yield (*path, "longest"), "Give a number of characters from 100 to 4000."
    if not evidence.items:
        yield (*path, "items"), "Ask for at least one thing, whatever the ground is."
    if not evidence.statement.strip():
        yield (*path, "statement"), "Say what whoever gives the evidence answers for."
    if evidence.purge_after < timedelta(0):
        yield (*path, "purge_after"), "Give a duration that is not negative, for example P365D."
    if not 1 <= evidence.most_subjects <= 10:
        yield (*path, "most_subjects"), "Give a number from 1 to 10."
    for name in ("items", "methods", "remedies"):
        yield from _repeated((*path, name), [one.id for one in getattr(evidence, name)])
    yield from _item_faults((*path, "items"), evidence.items)


def _item_faults(path: tuple[str | int, ...], items: tuple[EvidenceItem, ...]) -> Iterator[Fault]:
    for position, item in enumerate(items):
        if not item.id.strip() or not item.title.strip():
            yield (*path, position), "Give it an id and a title."
        if item.form is Form.TEXT and not 0 <= item.least <= 1000:
            yield (*path, position, "least"), "Give a number of characters from 0 to 1000."
        if item.about is About.REPLACED_BY and item.form is not Form.DATE:
            yield (*path, position, "form"), 'This says by when, so its answer has to be a date: form = "date".'


def _repeated(path: tuple[str | int, ...], ids: list[str]) -> Iterator[Fault]:
    for position, one in enumerate(ids):
        if one in ids[:position]:
            yield (*path, position, "id"), f"The id “{one}” is used twice. Give each its own."
