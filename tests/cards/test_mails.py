"""Every e-mail: its subject and first line carry it all, both bodies say the same, and nothing in it is private."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mail import as_mime
from cards import mails
from cards.mail_layout import Mail
from domain.effects import Audience, Notice
from domain.people import Person
from domain.request import Cause, Closing, Request, State
from services.show import still_says_so
from tests.builders import ASKER, LONG, NOON, OWNER, POLICY, SITE, SUBJECT, long_request, request
from tests.cards.states import requests

LINK = "https://teams.microsoft.com/l/chat/0/0?users=28%3Abot&message=status%20MFA-7K3Q-9XDM"
CODE = "4821-0937"
TYPED = "Epilepsy, since the accident"
"""What somebody might type who was told not to."""


def notices(words: str = TYPED) -> Iterator[tuple[str, Mail]]:
    for _, one in requests(words):
        for what in Notice:
            if still_says_so(one, what):
                for to in Audience:
                    yield f"{what} to {to}", mails.notice(one, what, to, LINK, POLICY, NOON + timedelta(days=150))


def every_mail(words: str = TYPED) -> Iterator[tuple[str, Mail]]:
    yield from notices(words)
    for codes in (1, 2):
        one = long_request(State.AWAITING_EVIDENCE, codes=codes, since=words)
        yield f"code {codes}", mails.to_mailbox(one, CODE, LINK, POLICY)


MAILS = list(every_mail())


class Page(HTMLParser):
    """The tags and the visible words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._where = ""
        self.feed(re.sub(r'<span style="white-space:nowrap;">(.*?)</span>', r"\1", html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._where = tag
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._where not in ("title", "style") and data.strip():
            self.words.append(data.strip())


def test_there_is_a_mail_for_each_notice_to_each_audience() -> None:
    assert {name for name, _ in notices()} == {f"{what} to {to}" for what in Notice for to in Audience}


@pytest.mark.parametrize(("name", "mail"), dict(MAILS).items())
def test_the_subject_and_the_first_line_carry_it_all(name: str, mail: Mail) -> None:
    assert mail.subject == f"{mail.title} (MFA-7K3Q-9XDM)", name
    assert len(mail.subject) <= 100
    assert mail.text.splitlines()[0] == mail.lead
    assert Page(mail.html).words[0] == mail.lead  # hidden: what the list of e-mails shows behind the subject
    assert len(re.findall(r"[.?]( |$)", mail.lead)) <= 2
    assert not re.search(r"\b(here|below|above)\b", f"{mail.title} {mail.lead}")


@pytest.mark.parametrize(("name", "mail"), dict(MAILS).items())
def test_both_bodies_say_the_same(name: str, mail: Mail) -> None:
    page = Page(mail.html)
    shown = " ".join(page.words)
    for line in mail.text.splitlines():
        said = re.sub(r"^\d\. |: https://.*| ?\b(Code|Reference|For|Site): ", "", line)
        assert said in shown, name
    assert [value for key, value in page.attributes if key == "href"] == [LINK]
    assert LINK in mail.text


def test_no_reason_no_evidence_and_nothing_that_was_typed_is_in_a_mail() -> None:
    kinds = POLICY.kinds.values()
    reasons = [reason for kind in kinds for reason in kind.reasons]
    private = [TYPED, "No phones beyond the door", "Not allowed inside", *[reason.title for reason in reasons]]
    private += [reason.follow_up for reason in reasons if reason.follow_up]
    for name, mail in MAILS:
        for words in private:
            assert words not in f"{mail.subject} {mail.text} {mail.html}", name


def test_the_code_is_in_the_mail_to_the_mailbox_and_nowhere_else() -> None:
    for name, mail in MAILS:
        assert (CODE in mail.text and CODE in mail.html) == name.startswith("code")
        assert CODE not in f"{mail.subject} {mail.lead}"


def test_the_mail_to_the_mailbox_says_that_whoever_declines_quotes_the_code_first() -> None:
    for name, mail in MAILS:
        if name.startswith("code"):
            assert "quote the code in the same way, then type: withdraw MFA-7K3Q-9XDM" in mail.text


def test_a_new_code_says_so_in_the_subject() -> None:
    subjects = [mail.subject for name, mail in MAILS if name.startswith("code")]
    assert [subject.startswith("New code") for subject in subjects] == [False, True]


@pytest.mark.parametrize(("name", "mail"), dict(MAILS).items())
def test_opening_a_mail_fetches_nothing_and_does_nothing(name: str, mail: Mail) -> None:
    page = Page(mail.html)
    assert not set(page.tags) & {"img", "script", "link", "iframe", "form", "input", "object", "video", "svg"}, name
    assert not re.search(r"@import|url\(|\bsrc=|\bon\w+=|background=", mail.html)
    assert re.findall(r"https?://[^\"]+", mail.html.replace("&amp;", "&")) == [LINK]


def test_times_are_moments_because_a_mail_may_be_read_days_later() -> None:
    for name, mail in MAILS:
        assert not re.search(r"\bin \d+ (minutes|hours|days)\b|\bhours left\b|\btoday|\btomorrow", mail.text), name


def test_the_words_keep_the_style() -> None:
    for name, mail in MAILS:
        assert not re.search(r"\w[’']t\b|!|\b(please|simply|ensure)\b|\bMFA-free\b", mail.text, re.IGNORECASE), name
        for sentence in re.split(r"[.?:]\s", mail.text):
            assert len(sentence.split()) <= 25, f"{name}: {sentence}"


def test_renewing_is_named_when_it_is_possible_and_not_before() -> None:
    one = long_request(State.ACTIVE)
    assert one.ends_at is not None
    opens = LONG.renewal_opens
    assert opens is not None
    for before, named in ((timedelta(seconds=1), False), (timedelta(0), True)):
        at = one.ends_at - opens - before
        assert ("renew MFA" in mails.notice(one, Notice.REMINDER, Audience.OWNERS, LINK, POLICY, at).text) == named


def test_whoever_is_exempted_is_spoken_to_and_to_all_others_the_person_is_named() -> None:
    both = (Notice.EVIDENCE_GIVEN, Notice.GRANTED, Notice.REMINDER, Notice.HALF_WAY, Notice.REJECTED, Notice.ENDED)
    for name, mail in MAILS:
        what, _, to = name.partition(" to ")
        if what in both:
            spoken_to = to == Audience.SUBJECT
            assert ("Sam Price" in mail.title) != spoken_to, name
            assert bool(re.search(r"(?i)\byour MFA\b", f"{mail.title} {mail.text}")) == spoken_to, name


def test_one_of_several_new_methods_is_enough() -> None:
    one = request(State.ACTIVE, methods=("password", *sorted(POLICY.account.core_methods)[:2]))
    lead = mails.notice(one, Notice.METHOD_FOUND, Audience.SUBJECT, LINK, POLICY, NOON).lead
    assert re.match(r"If .+ or .+ works, end the exception: ", lead)


def named(name: str, words: str) -> Request:
    """A request in which everybody and the site have this name."""
    somebody = Person(SUBJECT.id, name, SUBJECT.address)
    return replace(
        long_request(State.ENDED),
        subject=somebody,
        asked_by=replace(ASKER, name=name),
        site=replace(SITE, name=name, owners=(replace(OWNER, name=name),)),
        closing=Closing(Cause.REVOKED, somebody, words),
    )


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet='<>"&\r\n\t\x00\x85\u2028\u202e\u200bé🙂,;:@= ?_abB', max_size=60),
    st.sampled_from([
        "Sam\r\nBcc: everybody@nhs.net", "Sam\n\n<script>", "=?utf-8?q?=0D=0ABcc:x?=", "=??Q?=00=0A0:",
        "O’Neil, Zoë (Dr.)", "\u202eecirP", "=?u?b?DQpCY2M6eA==?= =?u?b?DQpCY2M6eA==?=",
        "{subject}", "{0}", "%s", "x" * 5000, "\ud800", "محمد", "</h1><a href='https://evil.example'>",
    ]),
)  # fmt: skip


@given(name=HOSTILE, words=HOSTILE)
def test_no_name_changes_what_a_mail_is(name: str, words: str) -> None:
    one = named(name, words)
    usual = mails.notice(named("Sam", "Said"), Notice.ENDED, Audience.OWNERS, LINK, POLICY, NOON)
    mail = mails.notice(one, Notice.ENDED, Audience.OWNERS, LINK, POLICY, NOON)
    assert mail.subject.isprintable()
    assert len(mail.subject) < 255
    assert [tag for tag in Page(mail.html).tags if tag != "p"] == [tag for tag in Page(usual.html).tags if tag != "p"]
    assert [value for key, value in Page(mail.html).attributes if key == "href"] == [LINK]
    assert all(line.isprintable() for line in mail.text.splitlines())
    written = as_mime(mail, sender="mfa@nhs.net", to="sam.price@nhs.net", key="key").as_bytes()
    head = written.split(b"\r\n\r\n")[0]
    assert re.findall(rb"^[\w-]+(?=:)", head, re.MULTILINE) == [
        b"From", b"To", b"Subject", b"Message-ID", b"In-Reply-To", b"References", b"Thread-Topic", b"Thread-Index",
        b"Auto-Submitted", b"X-Auto-Response-Suppress", b"MIME-Version", b"Content-Type", b"Content-Language",
    ]  # fmt: skip


def test_a_name_with_a_full_stop_does_not_cut_the_subject() -> None:
    one = replace(request(State.WITHDRAWN), subject=replace(SUBJECT, name="Dr. A. St. John"))
    mail = mails.notice(one, Notice.WITHDRAWN, Audience.ASKED_BY, LINK, POLICY, NOON)
    assert mail.subject == "The request for Dr. A. St. John was withdrawn (MFA-7K3Q-9XDM)"
