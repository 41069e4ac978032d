"""The page behind a one-time link to a file of the evidence. Opening it uses up nothing; its button gives the file."""

import base64
import hashlib
import html
from urllib.parse import quote

import structlog
from aiohttp import web

from domain.errors import Trouble
from domain.evidence import DOCX, JPEG, PDF, PNG, TITLES, EvidenceFile, size_of
from domain.moments import span
from services.file_links import PATH, VALID_FOR, FileLinks
from texts import say

log = structlog.get_logger(__name__)
CONTENT_TYPES = {
    PDF: "application/pdf",
    PNG: "image/png",
    JPEG: "image/jpeg",
    DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_STYLE = """
body{font:1.1875rem/1.5 Arial,sans-serif;color:#212b32;background:#f0f4f5;margin:0}
main{max-width:40rem;margin:2rem auto;padding:1rem;background:#fff}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}
button{font:inherit;font-weight:bold;color:#fff;background:#007f3b;border:0;border-bottom:4px solid #00401e;
padding:.75rem 1.25rem;min-height:2.75rem;cursor:pointer}
button:focus-visible{outline:4px solid #212b32;background:#ffeb3b;color:#212b32}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_OFFER = """<p>{about}</p>
<p>{once}</p>
<form method="post"><button type="submit">{button}</button></form>
<p>{careful}</p>
"""
_SENTENCE = "<p>{sentence}</p>\n"
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def routes(links: FileLinks) -> list[web.RouteDef]:
    async def offer(request: web.Request) -> web.Response:
        try:
            file = await links.look(request.match_info["token"])
        except Trouble as trouble:
            return _trouble(trouble)
        return _offer(file) if file else _gone()

    async def give(request: web.Request) -> web.Response:
        try:
            taken = await links.take(request.match_info["token"])
        except Trouble as trouble:
            return _trouble(trouble)
        return _given(*taken) if taken else _gone()

    address = f"{PATH}{{token}}"
    return [web.get(address, offer), web.post(address, give)]


def _offer(file: EvidenceFile) -> web.Response:
    words = {
        "about": say("agent.file_about", kind=TITLES[file.kind], size=size_of(file.size)),
        "once": say("agent.file_once", valid=span(VALID_FOR)),
        "button": say("agent.file_button"),
        "careful": say("agent.file_careful"),
    }
    return _page(200, file.name, _OFFER.format_map({name: html.escape(text) for name, text in words.items()}))


def _gone() -> web.Response:
    return _said(404, say("agent.file_gone_title"), say("agent.file_gone", valid=span(VALID_FOR)))


def _trouble(trouble: Trouble) -> web.Response:
    log.warning("evidence not shown", message=trouble.message)
    return _said(503, say("agent.file_trouble_title"), say("agent.file_trouble"))


def _said(status: int, title: str, sentence: str) -> web.Response:
    return _page(status, title, _SENTENCE.format(sentence=html.escape(sentence)))


def _page(status: int, title: str, body: str) -> web.Response:
    text = _PAGE.format(title=html.escape(title), style=_STYLE, body=body)
    headers = _PRIVATE | {"Content-Security-Policy": _PAGE_POLICY}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def _given(file: EvidenceFile, content: bytes) -> web.Response:
    headers = _PRIVATE | {
        "Content-Type": CONTENT_TYPES[file.kind],
        "Content-Disposition": disposition(file.name),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }
    return web.Response(body=content, headers=headers)


def disposition(name: str) -> str:
    """Content-Disposition for a download, by RFC 6266: plain letters for old browsers, all of them for others."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in " .-_") else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
