"""A pretend Microsoft over real HTTPS on loopback: signing keys, login, connector, and Teams as a client.

    async with Microsoft() as microsoft:
        settings = microsoft.settings()                       # for our own program in the same process
        environment = microsoft.environment()                 # for the program as a process of its own
        answer = await microsoft.teams.post(url, microsoft.teams.message("I lost my phone", sender=ANNA))
        microsoft.connector.sent[-1].text                     # what the bot said, in order
        microsoft.teams.files(microsoft.files.put("letter.pdf", b"%PDF-1.7 ..."))     # a message with a file
        microsoft.connector.fail(429, retry_after=1)          # the next call fails; see the method for the rest
        microsoft.login.mode = Mode.DOWN                      # the same for microsoft.signing

It is for tests, journeys and benchmarks only and knows nothing of the product but its own settings type.
"""

from tests.microsoft.connector import Call, Connector
from tests.microsoft.files import File, Files
from tests.microsoft.login import Login
from tests.microsoft.modes import Mode
from tests.microsoft.people import ANNA, BEN, HELPDESK, Channel, Person
from tests.microsoft.signing import Signing
from tests.microsoft.teams import Answer, Teams
from tests.microsoft.world import Microsoft

__all__ = [
    "ANNA",
    "BEN",
    "HELPDESK",
    "Answer",
    "Call",
    "Channel",
    "Connector",
    "File",
    "Files",
    "Login",
    "Microsoft",
    "Mode",
    "Person",
    "Signing",
    "Teams",
]
