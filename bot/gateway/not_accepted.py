"""The one way in which the gateway turns a request away. It never answers with a reason that helps an attacker."""


class NotAccepted(Exception):
    """`status` is the HTTP answer (4xx); `reason` is for the log and holds nothing from the request."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
