"""The question cards of exceptions that need evidence: the site, what was tried, smaller remedies, since when."""

from collections.abc import Sequence

from cards.ask import Asking
from cards.card import Card
from cards.parts import choice, field, plain, words
from domain.people import Person
from domain.policy import Option
from domain.site import Site, read_back

_NO_HEALTH = "Do not write about anybody's health here. The site gives the evidence later, where few people see it."


def more(asking: Asking, people: Sequence[Person]) -> Card:
    named = "; ".join(f"{one.name} ({one.address})" for one in people)
    return asking.question(
        "for anybody else?",
        words("Is it for anybody else?", weight="Bolder"),
        words(f"So far: {named}."),
        words("Ask for several colleagues at once only where the site and the reason are the same."),
        actions=[
            asking.button("That is everybody", "ask.answer", more="no"),
            asking.button("Add another colleague", "ask.answer", more="yes"),
        ],
    )


def site(asking: Asking, typed: str, known: Sequence[Site]) -> Card:
    """`known` are sites that this person answers for or asked for before."""
    actions = [asking.button(f"{one.name} ({one.ods})"[:60], "ask.answer", site=one.ods) for one in known[:3]]
    return asking.question(
        "which site is it for?",
        words("A long-term exception is asked for from the shared mailbox of a site."),
        field(
            "site",
            "ODS code, shared mailbox or name of the site",
            error="Type the ODS code, the shared mailbox or the name of the site.",
            value=typed[:200],
            most=200,
        ),
        actions=[asking.go_on(), *actions],
    )


def choose_site(asking: Asking, typed: str, sites: Sequence[Site]) -> Card:
    return asking.question(
        "which site do you mean?",
        words(f"Several sites match “{plain(typed[:200])}”."),
        choice(
            "chosen_site",
            "Which site do you mean?",
            [(f"{plain(one.name)} ({one.ods}: {read_back(one.ods)})", one.ods) for one in sites],
            error="Choose one of these sites.",
        ),
        actions=[asking.go_on()],
    )


def tried(asking: Asking, methods: Sequence[Option]) -> Card:
    return asking.question(
        "why do the MFA methods fail?",
        words("Why does each of these fail?", weight="Bolder"),
        words("If one was not tried, type “not tried”."),
        *[
            field(
                f"tried_{method.id}",
                method.title,
                error="Say why it does not work, or “not tried”.",
                lines=True,
                most=asking.policy.limits.text,
            )
            for method in methods
        ],
        words(_NO_HEALTH, isSubtle=True),
        actions=[asking.go_on()],
    )


def remedy(asking: Asking, offered: Option) -> Card:
    return asking.question(
        f"would this help? {offered.title}",
        words("Would this help instead?", weight="Bolder"),
        words(offered.title, weight="Bolder"),
        words(offered.how) if offered.how else None,
        field(
            "words",
            "Why does it not help?",
            error="Say why it does not help.",
            lines=True,
            most=asking.policy.limits.text,
        ),
        words(_NO_HEALTH, isSubtle=True),
        actions=[
            asking.button("It does not help", "ask.answer", "positive", inputs=True),
            asking.button("This would help", "ask.answer", helps="yes"),
        ],
    )


def since(asking: Asking, typed: str) -> Card:
    return asking.question(
        "since when?",
        field(
            "since",
            "Since when can MFA not be used?",
            error="Say since when, for example “March 2026” or “since I started”.",
            value=typed,
            most=200,
        ),
        actions=[asking.go_on()],
    )
