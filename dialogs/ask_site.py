"""The questions that only exceptions with evidence ask: the site, what was tried, what would help, since when."""

from dataclasses import asdict

from dialogs.said import Answers, NotNeeded, Said, given
from dialogs.spelling import normal
from dialogs.understand import choice_in
from domain.errors import Refusal
from domain.people import Person
from domain.policy import Evidence, Option, Policy
from domain.request import Answer, Request
from domain.site import Site, SiteStatus, code_of

_WOULD_HELP = frozenset(
    {"yes", "this would help", "would help", "it would help", "that would help", "helps", "it works", "it worked"}
)


def site_of(answers: Answers) -> Site | None:
    given_site = answers.get("site")
    if not given_site:
        return None
    owners = tuple(Person(**owner) for owner in given_site["owners"])
    return Site(**{**given_site, "owners": owners, "status": SiteStatus(given_site["status"])})


def site_as_answer(site: Site) -> dict[str, object]:
    return {**asdict(site), "owners": [asdict(owner) for owner in site.owners], "status": site.status.value}


def typed_site(answers: Answers, said: Said) -> Answers:
    typed = (said.value("site") or said.text).strip()
    if not any(character.isalnum() for character in typed):
        raise Refusal("Type the site's ODS code, its shared mailbox or its name.", rule="site")
    return given({key: value for key, value in answers.items() if key != "site_matches"}, site_typed=typed[:200])


def found_sites(answers: Answers, sites: tuple[Site, ...], *, most: int) -> Answers:
    """What the look-up of `site_typed` came to. Raises `Refusal` where it is none or too many."""
    typed = answers["site_typed"]
    if not sites:
        code = code_of(typed)
        hint = " Check 0 and O, 1 and I." if code and set(code) & set("0O1I") else ""
        raise Refusal(
            f"We do not know a site “{typed}”.{hint} Type its ODS code, its shared mailbox or its name.", rule="no_site"
        )
    if len(sites) > most:
        raise Refusal("Many sites match this. Type more of the name, or the ODS code.", rule="too_many_sites")
    closed = sites[0] if len(sites) == 1 and sites[0].status is not SiteStatus.OPEN else None
    if closed is not None:
        then = f" {closed.succeeded_by} has taken its place." if closed.succeeded_by else ""
        raise Refusal(f"{closed.name} ({closed.ods}) is no longer open.{then} Type another site.", rule="site_closed")
    if len(sites) == 1:
        return {**answers, "site_matches": [], "site": site_as_answer(sites[0])}
    return {**answers, "site_matches": [site_as_answer(site) for site in sites]}


def no_site_found(answers: Answers) -> Answers:
    return {**answers, "site_matches": []}


def chosen_site(answers: Answers, said: Said) -> Answers:
    matches = answers["site_matches"]
    options = [(one["ods"], one["name"], (one["ods"].lower(), one["mailbox"])) for one in matches]
    chosen = said.value("chosen_site") or choice_in(said.text, options)
    one = next((one for one in matches if one["ods"] == chosen), None)
    if one is None:
        raise Refusal("Choose one of these sites, or go back and type another one.", rule="choose_site")
    return given({**answers, "site_matches": []}, site=one)


def more(answers: Answers, said: Said, evidence: Evidence) -> Answers:
    """Whether there are others for whom the same is asked."""
    options = [
        ("yes", "Add another colleague", ("yes", "another", "add", "more")),
        ("no", "That is everybody", ("no", "everybody", "everyone", "that is all", "done", "continue")),
    ]
    chosen = said.value("more") or choice_in(said.text, options)
    if chosen == "no":
        return given(answers, more="no")
    if chosen != "yes":
        raise Refusal("Type “another” or “that is everybody”.", rule="more")
    if len(answers.get("others", [])) + 2 > evidence.most_subjects:
        raise Refusal(f"Ask for {evidence.most_subjects} people or fewer at once.", rule="too_many_subjects")
    others = [*answers.get("others", []), answers["subject"]]
    gone = ("subject", "typed", "matches")
    trail = [key for key in answers["trail"] if key not in gone]
    return {**{key: value for key, value in answers.items() if key not in gone}, "others": others, "trail": trail}


def untold(answers: Answers, evidence: Evidence) -> list[Option]:
    """The methods of which nobody has said why they fail."""
    return [method for method in evidence.methods if method.id not in answers.get("tried", {})]


def tried(answers: Answers, said: Said, evidence: Evidence, policy: Policy) -> Answers:
    """From the card all at once, typed one after the other."""
    waiting = untold(answers, evidence)
    if said.data is None:
        told = {waiting[0].id: said.text.strip()}
    else:
        told = {method.id: said.value(f"tried_{method.id}") for method in waiting}
    short = {key: _words(words, policy) for key, words in told.items() if normal(words)}
    kept = given(answers, tried={**answers.get("tried", {}), **short}) if short else answers
    if said.data is not None and untold(kept, evidence):
        raise Missing(
            kept, f"Say for each method why it does not work, or “not tried”: {untold(kept, evidence)[0].title}."
        )
    if not short:
        raise Refusal("Say why this method does not work, or “not tried”.", rule="tried")
    return kept


class Missing(Refusal):  # a Refusal by name, as the others
    """Some of a card's fields were filled: they are kept, and the others are asked for again."""

    def __init__(self, answers: Answers, sentence: str) -> None:
        super().__init__(sentence, rule="missing")
        self.answers = answers


def next_remedy(answers: Answers, evidence: Evidence) -> Option | None:
    return next((one for one in evidence.remedies if one.id not in answers.get("remedies", {})), None)


def remedy(answers: Answers, said: Said, evidence: Evidence, policy: Policy) -> Answers:
    offered = next_remedy(answers, evidence)
    assert offered is not None
    if said.value("helps") == "yes" or normal(said.text) in _WOULD_HELP:
        raise NotNeeded
    words = said.value("words") or said.text
    if not normal(words):
        raise Refusal("Say why this does not help, or “this would help”.", rule="remedy")
    return given(answers, remedies={**answers.get("remedies", {}), offered.id: _words(words, policy)})


def since(answers: Answers, said: Said, policy: Policy) -> Answers:
    words = said.value("since") or said.text
    if not normal(words):
        raise Refusal("Say since when, for example “March 2026” or “since I started”.", rule="since")
    return given(answers, since=_words(words, policy)[:200])


def _words(words: str, policy: Policy) -> str:
    words = words.strip()
    if len(words) > policy.limits.text:
        raise Refusal(
            f"This is {len(words)} characters long. Use {policy.limits.text} or fewer.", rule="details_too_long"
        )
    return words


def told(answers: Answers, key: str) -> tuple[Answer, ...]:
    return tuple(Answer(one, words) for one, words in answers.get(key, {}).items())


def again(request: Request) -> Answers:
    """A new conversation with what an earlier request said, for whoever asks again or renews."""
    answers: dict[str, object] = {"kind": request.kind, "trail": [], "reason": request.reason}
    if request.site is not None:
        answers |= {
            "site": site_as_answer(request.site),
            "tried": {one.id: one.words for one in request.tried},
            "remedies": {one.id: one.words for one in request.remedies},
        }
        answers |= {"since": request.since} if request.since else {}
    return answers
