"""Which answers leave open whether what was asked for was done. Pure."""


def leaves_open(status: int) -> bool:
    """Of HTTP statuses that are no success: 408, and 500 and above but for 503, which is a refusal."""
    return status == 408 or (status >= 500 and status != 503)
