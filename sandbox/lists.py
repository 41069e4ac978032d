"""Lists as Graph gives them: what $filter, $search, $orderby and $select leave, and which of them need a header."""

from aiohttp import web

from sandbox.answers import GraphError, Json, eventual, page
from sandbox.filters import read_filter
from sandbox.odata import Kind, ordered, searched, selected

_SORTABLE = ("displayName", "userPrincipalName", "mail", "id")
_UNSUPPORTED = "Request_UnsupportedQuery"


def asked_for(request: web.Request, rows: list[Json], kind: Kind, *, link: bool = False) -> list[Json]:
    """The rows in question, whole. Of a link, as a group's members are (`link`), Graph filters only as an
    advanced query. Raises `GraphError` and `BadQueryError`."""
    query = request.query
    if "$filter" in query:
        wanted = read_filter(query["$filter"], kind)
        if (link or wanted.advanced) and not _advanced(request):
            raise GraphError(400, "Unsupported Query.", code=_UNSUPPORTED)
        rows = wanted.among(rows)
    if "$search" in query:
        _needs_eventual(request)
        rows = searched(rows, query["$search"])
    if "$orderby" in query:
        if ("$filter" in query or link) and not _advanced(request):
            raise GraphError(400, "Sorting not supported for current query.", code=_UNSUPPORTED)
        sortable = [name for name in _SORTABLE if name in kind.properties]
        rows = ordered(rows, query["$orderby"], sortable)
    return rows


def listed(request: web.Request, context: str, rows: list[Json], kind: Kind) -> web.Response:
    """One page of all of `kind`."""
    names = kind.chosen(request.query.get("$select", ""))
    return page(request, context, [selected(row, names) for row in asked_for(request, rows, kind)])


def linked(request: web.Request, rows: list[Json], kind: Kind) -> web.Response:
    """One page of what something else links to; each says of what type it is, where a row does not, of `kind`."""
    names = kind.chosen(request.query.get("$select", ""))
    found = asked_for(request, rows, kind, link=True)
    typed = [{"@odata.type": row.get("@odata.type", kind.odata_type), **selected(row, names)} for row in found]
    return page(request, "directoryObjects", typed)


def counted(request: web.Request, rows: list[Json], kind: Kind, *, link: bool = False) -> web.Response:
    """The bare number, as `/$count` gives it."""
    if not eventual(request):
        raise GraphError(400, "$count is not currently supported.")
    return web.Response(text=str(len(asked_for(request, rows, kind, link=link))))


def only_advanced(request: web.Request) -> None:
    """Raises `GraphError` unless this is an advanced query, as a cast has to be."""
    if not _advanced(request):
        raise GraphError(400, "Unsupported Query.", code=_UNSUPPORTED)


def _advanced(request: web.Request) -> bool:
    """https://learn.microsoft.com/graph/aad-advanced-queries: the header, and something that counts."""
    counts = request.query.get("$count", "").lower() == "true" or request.path.endswith("/$count")
    return eventual(request) and counts


def _needs_eventual(request: web.Request) -> None:
    if not eventual(request):
        raise GraphError(
            400,
            "Request with $search query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'",
            code=_UNSUPPORTED,
        )
