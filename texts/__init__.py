"""All that people read: a file for each language, in it a table for each voice. Nothing is decided in here.

`say("requester.nothing_asked")` gives a text; `say("agent.queue_summary", count=2)` fills in what stands in braces. A
text that depends on a number is a list of its forms; `count` says which, by the language's own rule (`plural`, as in
gettext). Words of the policy (reasons, evidence, the helpdesk's name) are in the policy's file.
"""

import gettext
import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ENGLISH = Path(__file__).with_name("en-GB.toml")
VOICES = ("everyone", "requester", "owner", "agent", "lead")

_Forms = tuple[str, ...]


class Texts:
    """One language. `forms` are the texts by voice and name: one form, or one for each case of the plural rule."""

    def __init__(self, forms: Mapping[str, _Forms], plural: str) -> None:
        self.forms = forms
        self.form_of = gettext.c2py(plural)

    def say(self, key: str, values: Mapping[str, object]) -> str:
        forms = self.forms[key]
        form = forms[0] if len(forms) == 1 else forms[self.form_of(int(str(values["count"])))]
        return form.format(**values) if values else form


class BadTexts(Exception):
    """A language's file cannot be used. `sentences` say why, one for each fault."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def read(path: Path) -> Texts:
    """A language from its file. It has the texts that `en-GB.toml` has, with the same values in them.

    Raises BadTexts.
    """
    texts = _parse(path)
    faults = [] if path == ENGLISH else _differences(texts.forms, english().forms)
    if faults:
        raise BadTexts([f"{path}: {fault}" for fault in faults])
    return texts


@cache
def english() -> Texts:
    return _parse(ENGLISH)


_spoken: list[Texts] = []


def speak(texts: Texts) -> None:
    """From now on, this process says everything in this language. Once, at the start."""
    _spoken[:] = [texts]


def say(key: str, **values: object) -> str:
    return (_spoken[0] if _spoken else english()).say(key, values)


def any_of(names: Sequence[str]) -> str:
    """“A, B or C”. At least one name."""
    if len(names) == 1:
        return names[0]
    return say("everyone.or", first=", ".join(names[:-1]), last=names[-1])


def placeholders(form: str) -> set[str]:
    """The names in braces. Raises ValueError for braces that are not closed or hold more than a name."""
    names = set()
    for _, name, spec, conversion in string.Formatter().parse(form):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"“{{{name}}}” is not a name in braces")
        names.add(name)
    return names


def _parse(path: Path) -> Texts:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        plural = found.pop("plural")
        gettext.c2py(plural)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTexts([f"{path} cannot be read as texts: {error}"]) from error
    forms: dict[str, _Forms] = {}
    faults = [f"{path}: there is no voice “{voice}”" for voice in found if voice not in VOICES]
    for voice in VOICES:
        for name, text in found.get(voice, {}).items():
            forms[f"{voice}.{name}"] = tuple(text) if isinstance(text, list) else (text,)
    faults += [f"{path}: {key}: {fault}" for key, its in forms.items() for fault in _faults_of(its)]
    if faults:
        raise BadTexts(faults)
    return Texts(forms, plural)


def _faults_of(forms: _Forms) -> list[str]:
    if not forms or not all(isinstance(form, str) and form.strip() for form in forms):
        return ["it is not a text, nor a list of texts"]
    try:
        return [] if len(set(map(frozenset, map(placeholders, forms)))) == 1 else ["its forms differ in their values"]
    except ValueError as error:
        return [str(error)]


def _differences(forms: Mapping[str, _Forms], wanted: Mapping[str, _Forms]) -> list[str]:
    faults = [f"{key} is missing" for key in wanted if key not in forms]
    faults += [f"{key} is not a text of this program" for key in forms if key not in wanted]
    for key in wanted.keys() & forms.keys():
        if placeholders(forms[key][0]) != placeholders(wanted[key][0]):
            faults.append(f"{key} needs these values in braces: {', '.join(sorted(placeholders(wanted[key][0])))}")
        if (len(forms[key]) == 1) != (len(wanted[key]) == 1):
            faults.append(f"{key} depends on a number as much as in English: give one text, or a list of forms")
    return sorted(faults)
