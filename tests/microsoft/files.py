"""SharePoint, where Teams keeps what people send: a download address for each file, good for whoever knows it."""

import secrets
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class File:
    """A file that was uploaded, as it is attached to a message."""

    name: str
    url: str = field(repr=False)

    @property
    def file_type(self) -> str:
        return self.name.rpartition(".")[2] if "." in self.name else ""


class Files:
    """`base` is the server's address, once it is open. `asked` holds the headers of each download, in order."""

    def __init__(self) -> None:
        self.base = ""
        self.asked: list[dict[str, str]] = []
        self._contents: dict[str, bytes] = {}

    def put(self, name: str, content: bytes) -> File:
        mark = secrets.token_urlsafe(12)
        self._contents[mark] = content
        return File(name, f"{self.base}/files/download.aspx?UniqueId={mark}&tempauth=v1.eyJ%2Babc")

    def expire(self) -> None:
        """None of the addresses works any more."""
        self._contents.clear()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/files/download.aspx", self._download)]

    async def _download(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        content = self._contents.get(request.query.get("UniqueId", ""))
        if content is None or request.query.get("tempauth") != "v1.eyJ+abc":
            return web.Response(status=401, text="<html>Sign in</html>", content_type="text/html")
        return web.Response(body=content)
