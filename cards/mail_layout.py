"""One e-mail as parts, and the two ways to write them: plain text, and HTML with the NHS colours.

Both say the same because both are made of the same parts. The HTML holds no image, no script and no other link than
the parts' own; it is laid out in tables, with its styles on the elements, because Outlook's Word engine reads no other.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import assert_never

_LONGEST = 200
"""Characters of a title. Exchange keeps 255 of a subject."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do, in order."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Only opens something: whatever it leads to does nothing until the person acts there."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a label and a value; those without a value are left out."""

    rows: tuple[tuple[str, str], ...]


Part = Paragraph | Steps | Code | Link | Facts


@dataclass(frozen=True, slots=True)
class Mail:
    """`title` says what happened and `lead` what that means or what to do: most people read no further."""

    reference: str
    begun: datetime
    """When the request was asked for: its e-mails are one conversation from then on."""
    title: str
    lead: str
    parts: tuple[Part, ...]
    footer: str

    @property
    def subject(self) -> str:
        return f"{one_line(self.title)[:_LONGEST]} ({self.reference})"

    @property
    def text(self) -> str:
        parts = [Paragraph(self.lead), *self.parts]
        return "\n\n".join([*filter(None, map(_text, parts)), one_line(self.footer)]) + "\n"

    @property
    def html(self) -> str:
        parts = [Paragraph(self.lead), *self.parts]
        values = {
            "subject": self.subject,
            "title": one_line(self.title)[:_LONGEST],
            "lead": one_line(self.lead),
        }
        safe = {name: escape(value) for name, value in values.items()} | {"footer": _safe(self.footer)}
        return _PAGE.format(**safe, parts="\n".join(filter(None, map(_html, parts))), dark=_DARK)


def one_line(text: str) -> str:
    """Without line breaks, control characters and marks that turn the direction of text: fit for a header."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _text(part: Part) -> str:
    match part:
        case Paragraph(text):
            return one_line(text)
        case Steps(texts):
            return "\n".join(f"{number}. {one_line(text)}" for number, text in enumerate(texts, 1))
        case Code(text):
            return f"Code: {one_line(text)}"
        case Link(title, address):
            return f"{one_line(title)}: {one_line(address)}"
        case Facts(rows):
            return "\n".join(f"{label}: {one_line(value)}" for label, value in rows if value)
        case _ as never:
            assert_never(never)


def _html(part: Part) -> str:
    match part:
        case Paragraph(text):
            return f'<p style="{_WORDS}">{_safe(text)}</p>'
        case Steps(texts):
            steps = "".join(f'<li style="margin:0 0 8px 0;">{_safe(text)}</li>' for text in texts)
            return f'<ol style="{_WORDS} padding:0 0 0 28px;">{steps}</ol>'
        case Code(text):
            return _box(_safe(text))
        case Link(title, address):
            return _button(_safe(title), escape(one_line(address)))
        case Facts(rows):
            return _facts(tuple((label, _safe(value)) for label, value in rows if value))
        case _ as never:
            assert_never(never)


def _safe(text: str) -> str:
    """References, codes and telephone numbers stay on one line."""
    return _NUMBER.sub(r'<span style="white-space:nowrap;">\g<0></span>', escape(one_line(text)))


def _box(code: str) -> str:
    return (
        f'<table role="presentation" {_PLAIN} style="margin:0 0 24px 0;"><tr>'
        f'<td class="box" bgcolor="#f0f4f5" style="background-color:#f0f4f5;border-left:8px solid #005eb8;'
        f"padding:12px 24px;font-family:Consolas,'Courier New',monospace;font-size:28px;line-height:36px;"
        f'font-weight:bold;color:#212b32;"><span style="{_HIDDEN}">Code: </span>{code}</td></tr></table>'
    )


def _button(title: str, address: str) -> str:
    return (
        f'<table role="presentation" {_PLAIN} style="margin:0 0 24px 0;"><tr>'
        f'<td class="button" bgcolor="#007f3b" style="background-color:#007f3b;border-radius:4px;">'
        f'<a href="{address}" style="display:inline-block;padding:12px 20px;{_FONT}font-size:19px;line-height:28px;'
        f'font-weight:bold;color:#ffffff;text-decoration:underline;">{title}</a></td></tr></table>'
    )


def _facts(rows: tuple[tuple[str, str], ...]) -> str:
    line = "border-bottom:1px solid #d8dde0;padding:8px 0;text-align:left;vertical-align:top;"
    cells = "".join(
        f'<tr><th class="line" scope="row" style="{line}{_FONT}{_SIZE}padding-right:24px;width:1%;white-space:nowrap;'
        f'color:#212b32;">{label}</th><td class="line" style="{line}{_FONT}{_SIZE}color:#212b32;'
        f'word-break:break-word;">{value}</td></tr>'
        for label, value in rows
    )
    return f'<table {_PLAIN} width="100%" style="margin:0 0 24px 0;width:100%;">{cells}</table>'


_NUMBER = re.compile(r"\b[A-Z0-9]{3,8}(-[A-Z0-9]{3,8}){1,2}\b|\b[0-9]{3,5}( [0-9]{3,5}){1,2}\b", re.ASCII)
_PLAIN = 'border="0" cellpadding="0" cellspacing="0"'
_FONT = "font-family:Arial,Helvetica,sans-serif;"
_SIZE = "font-size:16px;line-height:24px;"
_WORDS = f"margin:0 0 16px 0;{_FONT}font-size:19px;line-height:28px;color:#212b32;"
_HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0 0 0 0);mso-hide:all;"
_DARK = """\
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  body, .page { background-color: #212b32 !important; }
  .sheet { background-color: #2f3b43 !important; }
  .sheet h1, .sheet p, .sheet ol, .sheet li, .sheet .line { color: #ffffff !important; }
  .sheet .line { border-color: #768692 !important; }
  .sheet .box { background-color: #212b32 !important; color: #ffffff !important; border-color: #99c7eb !important; }
  .below p { color: #d8dde0 !important; }
}
@media (max-width: 480px) {
  .sheet h1 { font-size: 24px !important; line-height: 30px !important; }
}"""
"""For clients that know the reader's choice of colours; the others show the styles on the elements."""

_PAGE = f"""\
<!DOCTYPE html>
<html lang="en-GB" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<title>{{subject}}</title>
<style>
{{dark}}
</style>
</head>
<body style="margin:0;padding:0;background-color:#f0f4f5;">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all;">{{lead}}</div>
<div role="article" aria-label="{{subject}}" lang="en-GB" dir="ltr">
<table role="presentation" class="page" {_PLAIN} width="100%" bgcolor="#f0f4f5" style="background-color:#f0f4f5;">
<tr><td align="center" style="padding:0;">
<!--[if mso]><table role="presentation" {_PLAIN} width="600"><tr><td><![endif]-->
<table role="presentation" {_PLAIN} width="100%" style="max-width:600px;width:100%;">
<tr><td bgcolor="#005eb8" style="background-color:#005eb8;padding:16px 24px;">
<p style="margin:0;{_FONT}font-size:19px;line-height:28px;font-weight:bold;color:#ffffff;">NHSmail MFA exceptions</p>
</td></tr>
<tr><td class="sheet" bgcolor="#ffffff" style="background-color:#ffffff;padding:24px 24px 8px 24px;">
<h1 style="margin:0 0 16px 0;{_FONT}font-size:28px;line-height:34px;font-weight:bold;color:#212b32;\
word-break:break-word;">{{title}}</h1>
{{parts}}
</td></tr>
<tr><td class="below" style="padding:16px 24px 32px 24px;">
<p style="margin:0;{_FONT}{_SIZE}color:#425563;">{{footer}}</p>
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</div>
</body>
</html>
"""
