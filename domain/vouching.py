"""The one-time code in the site's shared mailbox, and the evidence of whoever quotes it."""

from dataclasses import replace
from datetime import datetime
from hmac import compare_digest

from domain.checklist import missing
from domain.commands import GiveCode, GiveEvidence, IssueCode, SendCode
from domain.effects import Audience, Notice, Refresh, ShowHelpdesk, Tell, WriteToMailbox
from domain.errors import Refusal
from domain.events import Event, What
from domain.outcome import Decision, Facts, filled
from domain.people import Person
from domain.policy import Evidence, Policy
from domain.request import Given, MailboxCode, Request, State
from texts import say


def _rules(request: Request, policy: Policy) -> Evidence:
    evidence = policy.kinds[request.kind].evidence
    assert evidence is not None, "the lifecycle lets only requests with evidence come here"
    return evidence


def send_code(request: Request, command: SendCode, facts: Facts, policy: Policy, _: datetime) -> Decision:
    if not request.concerns(command.by.id) and not facts.groups:
        raise Refusal(
            say("owner.no_new_code_for_you", reference=request.reference, **policy.helpdesk.contact), rule="not_theirs"
        )
    if request.codes >= _rules(request, policy).code.most:
        raise Refusal(
            say("owner.too_many_codes", codes=request.codes, reference=request.reference, **policy.helpdesk.contact),
            rule="too_many_codes",
        )
    number = request.codes + 1
    event = Event(What.CODE_ISSUED, command.by.id, {"asked_for": str(number)})
    return Decision(replace(request, codes=number), (event,), (WriteToMailbox(request.reference, str(number)),))


def issue_code(request: Request, command: IssueCode, _: Facts, policy: Policy, now: datetime) -> Decision:
    """What was quoted already stays: the e-mail with it had arrived, although nobody could say so."""
    if request.code and request.code.used_by and request.code.number == command.number:
        return Decision(request)
    tries = _rules(request, policy).code.tries
    code = MailboxCode(command.salt, command.digest, now, tries, number=command.number)
    mailbox = request.site.mailbox if request.site else ""
    event = Event(What.CODE_ISSUED, details={"mailbox": mailbox, "digest": command.digest})
    return Decision(replace(request, code=code), (event,))


def give_code(request: Request, command: GiveCode, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """A right code makes whoever quotes it the one who gives the evidence. A wrong one uses up a try."""
    _may_give(request, command.by, facts, policy)
    code = request.code
    mailbox = request.site.mailbox if request.site else ""
    if code is None:
        raise Refusal(say("owner.code_not_sent", mailbox=mailbox), rule="no_code")
    if code.used_by is not None:
        if code.used_by.id == command.by.id:
            return Decision(request)
        raise Refusal(
            say("owner.code_used", used_by=code.used_by.name, mailbox=mailbox),
            rule="code_used",
        )
    if code.tries_left <= 0:
        raise Refusal(say("owner.too_many_tries", mailbox=mailbox), rule="tries")
    if compare_digest(code.digest.encode(), facts.code_digest.encode()):
        used = replace(code, used_by=command.by, used_at=now)
        return Decision(
            replace(request, code=used),
            # With the salt, whoever has the e-mail can show that its code is this one. It is of no more use now.
            (Event(What.CODE_ACCEPTED, command.by.id, {"mailbox": mailbox, "digest": code.digest, "salt": code.salt}),),
            (Refresh(request.reference),),
        )
    left = code.tries_left - 1
    again = say("owner.tries_left", count=left) if left else say("owner.ask_for_new_code")
    return Decision(
        replace(request, code=replace(code, tries_left=left)),
        (Event(What.CODE_REFUSED, command.by.id, {"tries_left": str(left)}),),
        refusal=Refusal(
            say("owner.wrong_code", reference=request.reference, mailbox=mailbox, again=again),
            rule="wrong_code",
        ),
    )


def give_evidence(request: Request, command: GiveEvidence, facts: Facts, policy: Policy, now: datetime) -> Decision:
    _may_give(request, command.by, facts, policy)
    check_giver(request, command.by)
    rules = _rules(request, policy)
    items = policy.kinds[request.kind].checklist(request.reason)
    lacking = missing(items, facts.answers)
    if lacking:
        listed = "; ".join(item.title for item in lacking)
        raise Refusal(say("owner.answers_missing", listed=listed), rule="incomplete")
    if not command.statement:
        raise Refusal(say("owner.confirm_statement", statement=rules.statement), rule="no_statement")
    assert request.site is not None
    given = Given(command.by, request.site.mailbox, now, len(items), len(items), facts.files, facts.evidence_digest)
    sent = replace(request, state=State.AWAITING_DECISION, given=given, waiting_since=now)
    event = Event(
        What.EVIDENCE_GIVEN,
        command.by.id,
        filled(mailbox=given.mailbox, sha256=given.digest, answers=str(given.answered), files=str(given.files)),
    )
    others = [
        Tell(request.reference, Notice.EVIDENCE_GIVEN, audience, str(len(request.questions)))
        for audience, person in ((Audience.SUBJECT, request.subject), (Audience.ASKED_BY, request.asked_by))
        if person.id != command.by.id
    ]
    if request.subject.id == request.asked_by.id:
        others = others[:1]
    again = str(len(request.questions)) if request.questions else ""
    return Decision(sent, (event,), (ShowHelpdesk(request.reference, again), *others, Refresh(request.reference)))


def check_giver(request: Request, person: Person) -> None:
    """Raises `Refusal` unless this person has quoted the code."""
    if request.code is None or request.code.used_by is None or request.code.used_by.id != person.id:
        mailbox = request.site.mailbox if request.site else say("owner.shared_mailbox")
        raise Refusal(say("owner.code_first", mailbox=mailbox), rule="code_first")


def _may_give(request: Request, person: Person, facts: Facts, policy: Policy) -> None:
    if facts.by_account is None or not facts.by_account.enabled:
        raise Refusal(say("owner.giver_left"), rule="giver_left")
    if person.id == request.subject.id and not _rules(request, policy).subject_may_give:
        others = ", ".join(owner.name for owner in request.owners)
        sentence = say("owner.own_evidence_others", others=others) if others else say("owner.own_evidence")
        raise Refusal(sentence, rule="own_evidence")
