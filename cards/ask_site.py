"""The question cards of exceptions that need evidence: the site, what was tried, smaller remedies, since when."""

from collections.abc import Sequence

from cards.ask import Asking
from cards.card import Card
from cards.parts import choice, field, plain, words
from domain.people import Person
from domain.policy import Option
from domain.site import Site, read_back
from texts import say


def more(asking: Asking, people: Sequence[Person]) -> Card:
    named = "; ".join(f"{one.name} ({one.address})" for one in people)
    return asking.question(
        say("requester.more_summary"),
        words(say("requester.more_title"), weight="Bolder"),
        words(say("requester.so_far", people=named)),
        words(say("requester.same_site_and_reason")),
        actions=[
            asking.button(say("requester.everybody_button"), "ask.answer", more="no"),
            asking.button(say("requester.another_colleague_button"), "ask.answer", more="yes"),
        ],
    )


def site(asking: Asking, typed: str, known: Sequence[Site]) -> Card:
    """`known` are sites that this person answers for or asked for before."""
    actions = [asking.button(f"{one.name} ({one.ods})"[:60], "ask.answer", site=one.ods) for one in known[:3]]
    return asking.question(
        say("requester.site_summary"),
        words(say("requester.site_why")),
        field(
            "site",
            say("requester.site_label"),
            error=say("requester.site_error"),
            value=typed[:200],
            most=200,
        ),
        actions=[asking.go_on(), *actions],
    )


def choose_site(asking: Asking, typed: str, sites: Sequence[Site]) -> Card:
    return asking.question(
        say("requester.which_site_summary"),
        words(say("everyone.several_sites", typed=plain(typed[:200]))),
        choice(
            "chosen_site",
            say("everyone.which_site_title"),
            [(f"{plain(one.name)} ({one.ods}: {read_back(one.ods)})", one.ods) for one in sites],
            error=say("requester.which_site_error"),
        ),
        actions=[asking.go_on()],
    )


def tried(asking: Asking, methods: Sequence[Option]) -> Card:
    return asking.question(
        say("requester.tried_summary"),
        words(say("requester.tried_title"), weight="Bolder"),
        words(say("requester.not_tried")),
        *[
            field(
                f"tried_{method.id}",
                method.title,
                error=say("requester.tried_error"),
                lines=True,
                most=asking.policy.limits.text,
            )
            for method in methods
        ],
        words(say("requester.no_health_before_evidence"), isSubtle=True),
        actions=[asking.go_on()],
    )


def remedy(asking: Asking, offered: Option) -> Card:
    return asking.question(
        say("requester.would_help_summary", remedy=offered.title),
        words(say("requester.would_help_title"), weight="Bolder"),
        words(offered.title, weight="Bolder"),
        words(offered.how) if offered.how else None,
        field(
            "words",
            say("requester.no_help_label"),
            error=say("requester.no_help_error"),
            lines=True,
            most=asking.policy.limits.text,
        ),
        words(say("requester.no_health_before_evidence"), isSubtle=True),
        actions=[
            asking.button(say("requester.no_help_button"), "ask.answer", "positive", inputs=True),
            asking.button(say("requester.would_help_button"), "ask.answer", helps="yes"),
        ],
    )


def since(asking: Asking, typed: str) -> Card:
    return asking.question(
        say("requester.since_summary"),
        field(
            "since",
            say("requester.since_label"),
            error=say("requester.since_error"),
            value=typed,
            most=200,
        ),
        actions=[asking.go_on()],
    )
