"""Whatever is sent, the pretend tenant answers in Graph's way and goes on."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from sandbox.directory import USER, user_row
from sandbox.filters import read_filter
from sandbox.odata import BadQueryError, searched
from sandbox.tenant import User
from tests.sandbox.running import EVENTUAL, running
from tests.sandbox.tenants import tenant

_PIECES = [
    "anna", "group-short", "'", "''", '"', "$", "$ref", "(", ")", " and ", " or ", "not ", " eq ", "null", "true", ":",
    "displayName", "accountEnabled", "proxyAddresses/any(", "p:p eq", "startswith(", ",", "in (", "5", "é", "🙂", "%",
    "\x00", "\\", " AND ", '"displayName:', "..", "{", "}", "*", "?", "#", "/", "graph.", "@", "\u202e", "ß", "İ", "\n",
]  # fmt: skip
_PATHS = [
    "/users", "/users/X", "/users/X/memberOf/X", "/users/X/mailboxSettings", "/users/anna/sendMail", "/X",
    "/users/anna/checkMemberGroups", "/groups/X", "/groups/X/members/X/$ref", "/groups/X/members/$ref",
    "/groups/group-helpdesk/members", "/groups/group-short/members/$ref", "/directoryRoles/X/members",
    "/directoryObjects/X",
]  # fmt: skip
_OPTIONS = ["$filter", "$search", "$select", "$orderby", "$top", "$skiptoken", "$count"]
_KEYS = ["message", "groupIds", "@odata.id", "toRecipients", "emailAddress", "address", "body", "content", "subject"]


class Chance:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def text(self) -> str:
        return "".join(self._random.choices(_PIECES, k=self._random.randint(1, 6)))

    def address(self) -> str:
        path = "/v1.0" + "".join(
            quote(self.text(), safe="") if part == "X" else f"{part}" for part in self._parts(self.one(_PATHS))
        )
        options = [f"{self.one(_OPTIONS)}={quote(self.text())}" for _ in range(self._random.randint(0, 3))]
        return f"{path}?{'&'.join(options)}"

    def one(self, of: list[Any]) -> Any:
        return self._random.choice(of)

    def value(self, depth: int = 0) -> Any:
        kind = self._random.random()
        if kind < 0.3 or depth > 3:
            return self.one([None, True, 0, -1.5, "", self.text(), "a@b.example", "\ud800"])
        if kind < 0.6:
            return [self.value(depth + 1) for _ in range(self._random.randint(0, 3))]
        return {self.one(_KEYS): self.value(depth + 1) for _ in range(self._random.randint(0, 4))}

    @staticmethod
    def _parts(path: str) -> list[str]:
        return [piece for part in path.split("X") for piece in (part, "X")][:-1]


@pytest.mark.parametrize("seed", range(5))
async def test_no_request_breaks_it_and_each_refusal_has_graphs_shape(tmp_path: Path, seed: int) -> None:
    chance = Chance(seed)
    async with running(tenant(tmp_path), tmp_path) as graph:
        for _ in range(200):
            url, method = graph.sandbox.url + chance.address(), chance.one(["GET", "GET", "POST", "DELETE", "PATCH"])
            data = json.dumps(chance.value()) if method == "POST" else None
            headers = chance.one([{}, EVENTUAL])
            async with graph.session.request(method, URL(url, encoded=True), data=data, headers=headers) as answer:
                assert answer.status < 500, (method, url, data)
                if answer.status >= 400:
                    assert {"code", "message", "innerError"} == set((await answer.json())["error"]), (method, url, data)
        assert (await graph.get("/groups")).status == 200


ROW = user_row(User("anna", "Anna Baker", "anna@nhs.example", "anna@nhs.example"))


def _found_or_refused(look: Callable[[], list[Any]]) -> str:
    try:
        return f"found {len(look())}"
    except BadQueryError as error:
        return str(error)


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join) | st.text())
def test_a_filter_or_a_search_is_read_or_refused(text: str) -> None:
    filtered = _found_or_refused(lambda: read_filter(text, USER).among([ROW]))
    assert filtered.startswith(("found", "Invalid filter clause: "))
    assert _found_or_refused(lambda: searched([ROW], text)).startswith(("found", "Syntax error: "))


@given(st.text())
def test_any_name_is_found_when_its_quotation_marks_are_doubled(name: str) -> None:
    row = ROW | {"displayName": name}
    quoted = name.replace("'", "''")
    for before, after in (("displayName eq '", "'"), ("startswith(displayName,'", "')"), ("displayName in ('", "')")):
        assert read_filter(f"{before}{quoted}{after}", USER).among([row]) == [row]


@given(st.text())
def test_what_somebody_types_never_becomes_a_condition(typed: str) -> None:
    quoted = typed.replace("'", "''")
    assert read_filter(f"mail eq '{quoted}x' or id eq '{quoted}x'", USER).among([ROW]) == []
