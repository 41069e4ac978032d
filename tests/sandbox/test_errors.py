"""How Graph says no: one envelope for everything, with the ids that support asks for."""

from datetime import datetime
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from tests.sandbox.running import Answer, Caller


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "anything"])
@pytest.mark.parametrize("path", ["/users", "/users/nobody", "/no/such/thing"])
async def test_without_a_bearer_token_everything_is_401(graph: Caller, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await Caller(graph.sandbox, session).get(path)
    assert answer.error[:2] == (401, "InvalidAuthenticationToken")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_any_bearer_token_will_do_in_either_case(graph: Caller) -> None:
    assert (await graph.get("/users", headers={"Authorization": "bearer x"})).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/users"), ("PATCH", "/users/anna"), ("PUT", "/groups/group-short"), ("DELETE", "/groups/group-short"),
     ("GET", "/users/anna/checkMemberGroups"), ("POST", "/groups/group-short/members")],
)  # fmt: skip
async def test_a_method_that_a_path_does_not_take_is_405(graph: Caller, method: str, path: str) -> None:
    status, code, message = (await graph.ask(method, f"/v1.0{path}")).error
    assert (status, code) == (405, "Request_BadRequest")
    assert message == "Specified HTTP method is not allowed for the request target."


@pytest.mark.parametrize(
    "path", ["/unicorns", "/users/anna/unicorns", "/groups/group-short/members/anna/unicorns", "/me", ""]
)
async def test_a_segment_that_is_not_there_is_400_as_in_graph(graph: Caller, path: str) -> None:
    segment = path.rpartition("/")[2] or ("v1.0" if not path else "")
    assert (await graph.get(path)).error == (
        400,
        "BadRequest",
        f"Resource not found for the segment '{segment}'.",
    )


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 200_000, "application/json"),
        (b"{}", "application/json; charset=nonsense"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"null", "application/json"),
    ],
)
@pytest.mark.parametrize(
    "path", ["/users/anna/checkMemberGroups", "/groups/group-short/members/$ref", "/users/anna/sendMail"]
)
async def test_a_body_that_is_no_json_object_is_400(graph: Caller, path: str, data: bytes, kind: str) -> None:
    answer = await graph.ask("POST", f"/v1.0{path}", data=data, headers={"Content-Type": kind})
    status, code, message = answer.error
    assert (status, code) == (400, "Request_BadRequest")
    assert message.startswith("Unable to read JSON request payload.")


async def test_a_body_of_two_megabytes_is_413(graph: Caller) -> None:
    answer = await graph.ask("POST", "/v1.0/users/anna/sendMail", data=BytesIO(b"x" * 2_000_000))
    assert answer.error[:2] == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize("host", ["a:99999", "a:b", ""])
async def test_a_host_that_cannot_be_is_400(graph: Caller, host: str) -> None:
    assert (await graph.get("/users", headers={"Host": host})).error == (400, "BadRequest", "Invalid hostname.")


def _ids(answer: Answer) -> tuple[str, str]:
    inner: dict[str, Any] = answer.json["error"]["innerError"]
    assert datetime.fromisoformat(inner["date"]).tzinfo is None
    assert (answer.headers["request-id"], answer.headers["client-request-id"]) == (
        inner["request-id"],
        inner["client-request-id"],
    )
    return inner["request-id"], inner["client-request-id"]


async def test_an_error_names_the_request_and_the_callers_own_id_for_it(graph: Caller) -> None:
    request_id, client_id = _ids(await graph.get("/users/nobody", headers={"client-request-id": "mine-1"}))
    assert client_id == "mine-1"
    other_id, other_client_id = _ids(await graph.get("/users/nobody"))
    assert other_id == other_client_id != request_id


async def test_answers_that_are_no_errors_carry_the_ids_too(graph: Caller) -> None:
    answer = await graph.get("/users/anna", headers={"client-request-id": "mine-2"})
    assert answer.headers["client-request-id"] == "mine-2"
    assert len(answer.headers["request-id"]) == 36
