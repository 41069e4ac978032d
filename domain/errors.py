"""The expected ways in which something does not happen. Anything else that is raised is a bug."""

from datetime import timedelta


class Refusal(Exception):
    """Not allowed, not eligible or not possible now. The message is the sentence that the person reads.

    `rule` names the rule that said no, for logs and tests; `link` (title, https address) leads to the way out.
    """

    def __init__(self, sentence: str, *, rule: str, link: tuple[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.rule = rule
        self.link = link


class Trouble(Exception):
    """Something outside (Entra, Teams, mail, the database) did not do as asked.

    `retry_after` is how long it asked us to wait, if it said so. `for_good` means that the same call
    will never succeed, `unanswered` that nobody knows whether it did, `silent` that the next call may wait as long for
    nothing. The message is for helpdesk staff and logs: it holds no personal detail.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        for_good: bool = False,
        unanswered: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.for_good = for_good
        self.unanswered = unanswered
        self.silent = silent or unanswered


class Throttled(Trouble):
    """Entra or Teams asks for patience (429, or 503 with a time to wait)."""

    service: str = ""
    """Which one of Graph's services, as `services.pace.OF_GRAPH` has it."""


class NoAnswer(Trouble):
    """Graph did not answer, or what stands before it did in its place (502, 503, 504)."""


class Passing(Trouble):
    """Teams failed in a way that is soon over (412, 502, 503): somebody who waits may be answered by one more try."""


class PutOff(Throttled):
    """We have sent as much as Entra or Teams takes, or it has asked another of our processes for patience. Nothing was
    sent and nothing failed: it is tried when there is room again."""

    def __init__(self, service: str, *, retry_after: timedelta) -> None:
        super().__init__(f"as much as it takes has been sent to {service}: later", retry_after=retry_after)


class Unproved(Trouble):
    """Entra was asked and said yes, and what it does does not show it yet. That takes its time, so it is no alarm at
    once: the policy says how long it may take."""


class NotPermitted(Trouble):
    """Entra says that the app may not do this (403). It is no use to try again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, for_good=True)


class NoSuchGroup(Trouble):
    """Entra does not know the group (404): nobody is in it."""

    def __init__(self) -> None:
        super().__init__("Entra does not know an exemption group: check its id in the settings", for_good=True)


class Unreachable(Trouble):
    """Teams says that nobody can be reached at this address (403, or 404 for the conversation)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, for_good=True)


class TooLarge(Trouble):
    """Teams refused the message for its size (413)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, for_good=True)
