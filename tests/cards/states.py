"""Every card in every state, each under a name that says which: `module.function: state`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.entra.directory import person_of
from cards import alarms, ask, ask_site, decide, drifts, evidence, lists, notices, plain_words, review, shared
from cards import request as cards
from cards import site as of_register
from cards.card import Card
from cards.together import MOST, notices_together
from domain.drift import Drift, Sort
from domain.effects import UNANSWERED, Audience, Notice
from domain.errors import Refusal
from domain.evidence import EvidenceFile
from domain.gathering import TOGETHER
from domain.given_site import MOST_OWNERS
from domain.people import Person
from domain.policy import Details, Remedy
from domain.request import OPEN, Answer, Cause, Closing, Decided, HalfWayAsked, Question, Request, State
from domain.site import LONGEST_ADDRESS, LONGEST_NAME, Site, SiteStatus
from services.show import still_says_so
from tests.builders import AGENT, ASKER, LONG, NOON, OWNER, POLICY, SITE, SUBJECT, long_request, request, sent_back
from tests.builders import stuck as stuck_since
from texts import say

KIND = POLICY.kinds["short"]
LONG_ADDRESS = f"{'a' * (LONGEST_ADDRESS - 12)}@nhs.example"
LATE = "It is too late for that."
GROUP, ACCOUNT = "4c1d2e7f-8a90-4b1c-a2d3-e4f5061728a3", "0f6a5c11-3b7d-4e2a-9c48-1a2b3c4d5e01"
DRIFTS = {
    Sort.STRANGER: Drift(Sort.STRANGER, GROUP, ACCOUNT),
    Sort.OVERSTAYED: Drift(Sort.OVERSTAYED, GROUP, ACCOUNT, "MFA-7K3Q-9XDM"),
    Sort.MISSING: Drift(Sort.MISSING, GROUP, ACCOUNT, "MFA-7K3Q-9XDM"),
    Sort.EXCLUSION_GONE: Drift(Sort.EXCLUSION_GONE, entra_id=GROUP),
    Sort.EXCLUSION_MORE: Drift(Sort.EXCLUSION_MORE, entra_id=ACCOUNT),
    Sort.MANY: Drift(Sort.MANY, entra_id="stranger", number=4321),
}
UNDELIVERED = (
    "Tell:granted:subject",
    "Tell:evidence_wanted:owners",
    "WriteToMailbox:",
    "ShowHelpdesk:",
    "ShowOthers:",
    "Tell:reminder:owners:3600:still_tried",
    f"Tell:granted:subject{UNANSWERED}",
    f"WriteToMailbox:1{UNANSWERED}",
    f"ShowHelpdesk{UNANSWERED}",
)
LONGEST = "longest addresses"
FILES = [EvidenceFile(f"f{n}", f"{'long name ' * 8}{n}.pdf", "pdf", 1000, "0" * 64, NOON, OWNER.id) for n in range(5)]

Named = tuple[str, Card]


def everything(words: str = "A short reason") -> Iterator[Named]:
    """`words` stand wherever people, Entra or the register have theirs."""
    yield from _of_requests(words)
    yield from _together(words)
    yield from _of_alarms(words)
    yield from _of_questions(words)
    yield from _of_questions_about_sites(words)
    yield from _of_evidence(words)
    yield from _of_lists(words)
    yield from _of_plain_words(words)
    yield from _of_sites(words)
    yield from _of_drifts(words)
    yield from _of_shared(words)


def named(words: str) -> Person:
    return person_of({"id": "1", "displayName": words, "userPrincipalName": "a@nhs.example"})


def requests(words: str = "A short reason") -> Iterator[tuple[str, Request]]:
    yield from _short_requests(words)
    yield from _long_requests(words)


def never_confirmed(state: State) -> Request:
    """It ended because its time was up before Entra had confirmed it."""
    return request(state, asked_by=ASKER, starts_at=None, ends_at=None, closing=Closing(Cause.EXPIRED))


def _short_requests(words: str) -> Iterator[tuple[str, Request]]:
    for state in State:
        if state is State.AWAITING_EVIDENCE:
            continue
        one = request(state, asked_by=ASKER, details=words)
        if one.decided:
            one = replace(one, decided=replace(one.decided, words=words))
        if one.closing:
            one = replace(one, closing=replace(one.closing, words=words))
        yield f"short, {state}", one
        if state in (State.GRANTING, State.ENDING):
            yield f"short, {state}, stuck", replace(one, stuck=replace(stuck_since(), message=words))
    for state in (State.ENDING, State.ENDED):
        yield f"short, {state}, never confirmed", never_confirmed(state)
    yield "short, for themself", request()
    yield "short, a call", request(taken_by=AGENT, asked_by=AGENT)


def _long_requests(words: str) -> Iterator[tuple[str, Request]]:
    for state in State:
        name, plain = f"long, {state}", long_request(state, since=words[:200])
        yield name, plain
        yield f"{name}, asked back", replace(plain, questions=(Question(AGENT, NOON, words),))
        if plain.decided:
            yield f"{name}, length agreed", replace(plain, decided=replace(plain.decided, words=words), days=90)
        if state in (State.GRANTING, State.ACTIVE):
            yield f"{name}, unusual", replace(plain, unusual=tuple(cards.UNUSUAL))
        if plain.closing:
            for cause in Cause:
                said = "MFA-2222-2222" if cause is Cause.RENEWED else words
                yield f"{name}, {cause}", replace(plain, closing=Closing(cause, words=said))
        if state not in OPEN:
            yield f"{name}, purged", replace(plain, purged_at=NOON)
    active = long_request(State.ACTIVE)
    yield "long, active, half way", replace(active, half_way=HalfWayAsked(NOON))
    yield "long, active, still needed", replace(active, half_way=HalfWayAsked(NOON, NOON, OWNER))
    yield "long, put back", replace(long_request(State.GRANTING), ends_at=active.ends_at)
    yield "long, more evidence wanted", sent_back(words)
    first = Decided(AGENT, NOON, approved=True)
    yield "long, renewal, approved once", replace(long_request(), first_approval=first, renews="MFA-2222-2222")


def _of_requests(words: str) -> Iterator[Named]:
    earlier = [replace(request(State.ENDED), reference=f"MFA-2222-222{n}") for n in range(2, 9)]
    for name, one in requests(words):
        for whose, viewer in (("subject", SUBJECT), ("asked by", ASKER), ("owner", OWNER)):
            yield f"request.mine: {name}, {whose}", cards.mine(one, viewer.id, POLICY, NOON)
        yield f"request.decision: {name}", cards.decision(one, [], POLICY, NOON)
        for what in Notice:
            for to in Audience:
                if still_says_so(one, what):
                    yield f"notices.notice: {what}, {to}, {name}", notices.notice(one, what, to, POLICY, NOON)
        for form in (decide.approve, decide.reject, decide.revoke, decide.send_back):
            yield f"decide.{form.__name__}: {name}", form(one, POLICY)
    short, active = request(), long_request(State.ACTIVE)
    assert active.ends_at is not None
    last_day = active.ends_at - timedelta(days=1)
    yield "request.mine: too late", cards.mine(request(State.ENDED), SUBJECT.id, POLICY, NOON, LATE)
    yield "request.mine: long, renewable", cards.mine(active, SUBJECT.id, POLICY, last_day)
    yield (
        "notices.notice: reminder, subject, long, renewable",
        notices.notice(active, Notice.REMINDER, Audience.SUBJECT, POLICY, last_day),
    )
    yield "request.decision: too late", cards.decision(request(State.ENDED), [], POLICY, NOON, LATE)
    yield "request.decision: one before", cards.decision(short, earlier[:1], POLICY, NOON)
    yield "request.decision: seven before", cards.decision(short, earlier, POLICY, NOON)
    for form in (decide.approve, decide.reject, decide.revoke, decide.send_back):
        yield f"decide.{form.__name__}: corrected", form(active, POLICY, words[:200])
    for form in (decide.reject, decide.revoke, decide.send_back):
        yield f"decide.{form.__name__}: typed, to be checked", form(active, POLICY, "Check the words.", words[:1000])


def _together(words: str) -> Iterator[Named]:
    """Of each sort: three that are still so and one that has moved on; then as many as there can be, and none."""
    people, site = [SUBJECT, ASKER, replace(named(words), id="4")], replace(SITE, name=named(words).name)
    for what in sorted(TOGETHER):
        so = next(one for _, one in requests(words) if one.site and still_says_so(one, what))
        many = [
            replace(so, reference=f"MFA-2222-22{n}", subject=people[n % 3], site=site) for n in range(10, 10 + MOST)
        ]
        gone = replace(long_request(State.WITHDRAWN), reference="MFA-3333-3333")
        if what is Notice.WITHDRAWN:
            gone = long_request(State.ACTIVE)
        yield f"together.notices_together: {what}, three", notices_together(what, many[:3], [gone], POLICY, NOON)
        yield f"together.notices_together: {what}, most", notices_together(what, many, [], POLICY, NOON)
        yield f"together.notices_together: {what}, moved on", notices_together(what, [], [gone, gone], POLICY, NOON)


def _of_alarms(words: str) -> Iterator[Named]:
    for name, one in requests(words):
        for about in ("stuck", "waiting", "half_way"):
            if alarms.still_says_so(one, about):
                yield f"alarms.alarm: {about}, {name}", alarms.alarm(one, about, POLICY, NOON)
    for occasion in UNDELIVERED:
        yield (
            f"alarms.alarm: undelivered, {occasion}",
            alarms.alarm(long_request(), "undelivered", POLICY, NOON, occasion),
        )
    odd = replace(request(State.GRANTING), unusual=tuple(cards.UNUSUAL))
    for occasion, one in (("unusual", odd), ("waiting_long:1", long_request())):
        yield f"alarms.alarm: no_lead, {occasion}", alarms.alarm(one, "no_lead", POLICY, NOON, occasion)
    for about in alarms.ATTEMPTS:
        yield f"alarms.attempt: {about}", alarms.attempt(about, named(words), None, NOON, POLICY)
        yield f"alarms.attempt: {about}, for somebody", alarms.attempt(about, AGENT, named(words), NOON, POLICY)


def _of_questions(words: str) -> Iterator[Named]:
    asking = ask.Asking(POLICY, KIND, 3, (2, 5))
    again = ask.Asking(POLICY, KIND, 3, (2, 5), words[:200])
    long = ask.Asking(POLICY, LONG, 3, (2, 9))
    reason = KIND.reasons[0]
    optional = replace(reason, details=Details.OPTIONAL, details_question="What?", remedy=Remedy("Try", "So"))
    required = replace(optional, details=Details.REQUIRED)
    rows, guide = [("For", words), ("Reason", "Lost")], ("Read the guide", POLICY.links.guide)
    yield "ask.who: asking for a short one", ask.who(asking, agent=False)
    yield "ask.who: agent", ask.who(asking, agent=True)
    yield "ask.who: asking for a long one", ask.who(long, agent=False)
    yield "ask.person: colleague", ask.person(asking, caller=False, typed="")
    yield "ask.person: caller", ask.person(asking, caller=True, typed="")
    yield "ask.person: corrected", ask.person(again, caller=True, typed=words)
    yield "ask.choose: two people", ask.choose(asking, words, [named(words), SUBJECT])
    yield "ask.reason: first", ask.reason(asking, "")
    understood = ask.understood(KIND, ask.FOR_COLLEAGUE, words[:60], "", "misplaced")
    yield (
        "ask.who: a sentence was understood",
        ask.who(ask.Asking(POLICY, KIND, 3, (1, 5), "", understood), agent=False),
    )
    wrong = ask.not_understood(words, "Type “me”.")
    yield "ask.reason: not understood", ask.reason(ask.Asking(POLICY, KIND, 3, (2, 5), wrong), "")
    yield "ask.reason: chosen before, corrected", ask.reason(again, "misplaced")
    yield "ask.details: optional", ask.details(asking, optional, "")
    yield "ask.details: required, typed before", ask.details(again, required, words)
    yield "ask.remedy: offered", ask.remedy(asking, optional)
    yield "ask.verification: first", ask.verification(asking, SUBJECT, "", "")
    yield "ask.verification: corrected", ask.verification(again, named(words), "manager", words[:100])
    yield "ask.confirm: own", ask.confirm(asking, rows, ask.FOR_ME, granted_now=False)
    yield "ask.confirm: colleague", ask.confirm(asking, rows, ask.FOR_COLLEAGUE, granted_now=False)
    yield "ask.confirm: caller, granted at once", ask.confirm(asking, rows, ask.FOR_CALLER, granted_now=True)
    yield "ask.confirm: caller, to a colleague", ask.confirm(asking, rows, ask.FOR_CALLER, granted_now=False)
    yield "ask.confirm: long", ask.confirm(long, rows, ask.FOR_ME, granted_now=False)
    answered = [("subject", "For", "Sam Price"), ("reason", "Reason", words)]
    yield "ask.change: two answers", ask.change(asking, answered)
    yield "ask.sent: six", ask.sent([(f"MFA-2222-222{n}", words) for n in range(2, 8)], long)
    yield "ask.refused: own, with a guide", ask.refused(asking, words, guide, for_me=True)
    yield "ask.refused: somebody else", ask.refused(asking, words, None, for_me=False)
    yield "ask.cancelled: short", ask.cancelled(POLICY, "short")
    yield "ask.remedied: short", ask.remedied(POLICY, "short")


def _of_questions_about_sites(words: str) -> Iterator[Named]:
    asking = ask.Asking(POLICY, LONG, 3, (2, 9))
    again = ask.Asking(POLICY, LONG, 3, (2, 9), words[:200])
    sites = [replace(SITE, ods=f"ZZ90{n}", name=named(words).name) for n in range(8)]
    rules = LONG.evidence
    assert rules is not None
    yield "ask_site.more: three people", ask_site.more(asking, [named(words), ASKER, OWNER])
    yield "ask_site.site: first", ask_site.site(asking, "", [])
    yield "ask_site.site: known sites, corrected", ask_site.site(again, words, sites)
    yield "ask_site.choose_site: eight sites", ask_site.choose_site(asking, words, sites)
    yield "ask_site.tried: first", ask_site.tried(asking, rules.methods)
    yield "ask_site.tried: corrected", ask_site.tried(again, rules.methods)
    for offered in rules.remedies:
        yield f"ask_site.remedy: {offered.id}", ask_site.remedy(asking, offered)
    yield "ask_site.since: first", ask_site.since(asking, "")
    yield "ask_site.since: corrected", ask_site.since(again, words[:200])


def _of_evidence(words: str) -> Iterator[Named]:
    first, back = long_request(State.AWAITING_EVIDENCE), sent_back(words)
    for name, giving in (
        ("first", evidence.Giving(first, POLICY, 3)),
        ("sent back", evidence.Giving(back, POLICY, 3)),
        ("corrected", evidence.Giving(first, POLICY, 3, words[:200])),
    ):
        full = {item.id: words for item in giving.items}
        one = {giving.items[0].id: words}
        yield f"evidence.code: {name}", evidence.code(giving)
        yield f"evidence.overview: {name}, nothing yet", evidence.overview(giving, {}, [])
        yield f"evidence.overview: {name}, one answer", evidence.overview(giving, one, FILES[:1])
        yield f"evidence.overview: {name}, complete", evidence.overview(giving, full, FILES)
        yield f"evidence.change: {name}", evidence.change(giving, full)
        for item in giving.items:
            yield f"evidence.item: {name}, {item.id}", evidence.item(giving, item, "", 3000)
        yield f"evidence.item: {name}, answered", evidence.item(giving, giving.items[0], words, 3000)
        yield f"evidence.files: {name}, none", evidence.files(giving, [])
        yield f"evidence.files: {name}, five", evidence.files(giving, FILES)
    yield "evidence.closed: saved", evidence.closed(first, POLICY)
    yield "evidence.sent: sent", evidence.sent(first, POLICY)
    yield from _of_reviews(words)


def _of_reviews(words: str) -> Iterator[Named]:
    tried, remedies = (Answer("app", words),), (Answer("smart_card", words),)
    one = replace(long_request(), tried=tried, remedies=remedies, since=words)
    answers = {item.id: words[:3000] for item in LONG.checklist(one.reason)}
    long = {id_: f"{answer} {'and so on ' * 450}"[:5000] for id_, answer in answers.items()}
    for page in range(len(review.pages(one, answers, POLICY))):
        yield f"review.review: waiting, page {page + 1}", review.review(one, answers, FILES, POLICY, page)
    for page in range(len(review.pages(one, long, POLICY))):
        yield f"review.review: long answers, page {page + 1}", review.review(one, long, [], POLICY, page)
    decided = long_request(State.ACTIVE)
    yield "review.review: decided", review.review(decided, answers, [], POLICY)
    yield "review.review: too late", review.review(decided, answers, FILES, POLICY, 0, words[:200])
    yield "review.review: nothing yet", review.review(long_request(State.AWAITING_EVIDENCE), {}, [], POLICY)
    yield "review.file_link: one file", review.file_link(one, FILES[0], "https://bot.example/evidence/x", POLICY)


def _of_lists(words: str) -> Iterator[Named]:
    later = NOON + timedelta(hours=1)
    for number in (0, 1, lists.MOST):
        many = [replace(request(), reference=f"MFA-2222-222{n}", details=words) for n in range(2, 2 + number)]
        yield f"lists.queue: {number}", lists.queue(many, POLICY, later, more=False)
        yield f"lists.mine: {number}", lists.mine(many, SUBJECT.id, POLICY)
    yield "lists.queue: more", lists.queue(many, POLICY, later, more=True)


def _of_plain_words(words: str) -> Iterator[Named]:
    for name, groups in (("staff", ()), ("agent", ("helpdesk",)), ("lead", ("helpdesk", "leads"))):
        yield f"plain_words.welcome: {name}", plain_words.welcome(POLICY, groups)
        yield f"plain_words.how_to: {name}", plain_words.how_to(POLICY, groups)
    yield "plain_words.tour: agent", plain_words.tour(POLICY)
    guide = ("Read the guide", POLICY.links.guide)
    likely = [("Ask for an exception", "ask.start", "short"), ("Help", "help", "help")]
    yield "plain_words.not_understood: two guesses", plain_words.not_understood(POLICY, likely)
    yield "plain_words.refused: with a guide", plain_words.refused(Refusal(words, rule="x", link=guide), POLICY)
    yield "plain_words.refused: words only", plain_words.refused(Refusal(words, rule="x"), POLICY)
    yield "plain_words.went_wrong: a sentence", plain_words.went_wrong("It failed. Try again in a minute.", POLICY)
    for one in POLICY.elsewhere:
        yield f"plain_words.elsewhere: {one.id}", plain_words.elsewhere(one, POLICY)
    for verb in ("withdraw", "end"):
        mine = request(subject=replace(SUBJECT, name=words))
        yield f"plain_words.sure_to_give_up: {verb}", plain_words.sure_to_give_up(mine, verb, POLICY)
    yield "plain_words.thanks: said", plain_words.thanks()
    yield "plain_words.note: done", plain_words.note("Done", "It is done.", POLICY)
    yield "plain_words.answered: typed below", plain_words.answered("What happened?", "Lost or stolen")


def _sites(words: str) -> Iterator[tuple[str, Site]]:
    one = person_of({"id": "1", "displayName": words, "userPrincipalName": "sam.price@nhs.net"})
    many = tuple(replace(one, id=str(number), address=LONG_ADDRESS) for number in range(MOST_OWNERS))
    name = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:LONGEST_NAME] or "x"
    everyday = "admin.riverside@nhs.net"
    for whose, owners, mailbox in (
        ("no owner", (), everyday),
        ("one owner", (one,), everyday),
        (LONGEST, many, LONG_ADDRESS),
    ):
        yield f"open, {whose}", Site("ZZ901", name, mailbox, owners)
        yield f"closed, {whose}", Site("ZZ901", name, mailbox, owners, SiteStatus.CLOSED)
        yield f"succeeded, {whose}", Site("ZZ901", name, mailbox, owners, SiteStatus.SUCCEEDED, "0123456789AB")


def _of_sites(words: str) -> Iterator[Named]:
    for name, one in _sites(words):
        filled = of_register.filled(one)
        yield f"site.site: {name}", of_register.site(one, POLICY)
        yield f"site.site: {name}, saved", of_register.site(one, POLICY, "Saved.")
        yield f"site.form: {name}", of_register.form(one, filled, "0" * 16, POLICY)
        typed, wrong = dict.fromkeys(filled, words), [words, "Correct it."]
        yield f"site.form: {name}, corrected", of_register.form(one, typed, "0" * 16, POLICY, wrong)
        found = [replace(one, ods=f"ZZ{number}") for number in range(of_register.MOST)]
        yield f"site.choose: {name}", of_register.choose(words, found, POLICY, more=False)
        yield f"site.choose: {name}, and more", of_register.choose(words, found, POLICY, more=True)


def shown(sort: Sort, **given: Any) -> drifts.Shown:
    kinds = ", ".join(kind.title for kind in POLICY.kinds.values())
    one = drifts.Shown(DRIFTS[sort], NOON, "Sam Price", "sam.price@nhs.net", kinds, "Alex Reed (alex@nhs.net)", NOON)
    return replace(one, **given)


def _of_drifts(words: str) -> Iterator[Named]:
    for sort in Sort:
        seen = {"name": words, "address": words, "added_by": words}
        yield f"drifts.drift: {sort}", drifts.drift(shown(sort, **seen), POLICY)
        for outcome in drifts.OUTCOMES:
            over = {"over_at": NOON + timedelta(hours=1), "outcome": outcome, "by": words}
            yield f"drifts.drift: {sort}, {outcome}", drifts.drift(shown(sort, **seen, **over), POLICY)
    for many in drifts.MANY:
        one = shown(Sort.MANY, drift=Drift(Sort.MANY, entra_id=many, number=87))
        yield f"drifts.drift: many {many}", drifts.drift(one, POLICY)
    not_yet = shown(Sort.STRANGER, added_by="", added_at=None)
    not_permitted = shown(Sort.STRANGER, added_by=say("agent.added_by_not_permitted"), added_at=None)
    yield "drifts.drift: who added it is not known yet", drifts.drift(not_yet, POLICY)
    yield "drifts.drift: who added it may not be read", drifts.drift(not_permitted, POLICY)


def _of_shared(words: str) -> Iterator[Named]:
    chat = "https://teams.microsoft.com/l/chat/0/0?users=28%3Ax&message=status%20MFA-7K3Q-9XDM"
    yield "shared.shared: the same for everybody", shared.shared("MFA-7K3Q-9XDM", chat, POLICY)
    for one in (request(details=words), long_request(since=words[:200])):
        page = f"https://bot.example/r/{one.reference}"
        for whose, card in (
            ("theirs", cards.mine(one, SUBJECT.id, POLICY, NOON)),
            ("agent", cards.decision(one, [], POLICY, NOON)),
        ):
            yield f"shared.only_you: {whose}, {one.kind}", shared.only_you(card, page)
