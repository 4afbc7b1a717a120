"""The words of what Revenge writes: files that ship, and those of a host in their place.

Each notice has two files. `<notice>.txt` says `Subject: …` in its first line, then an empty one, then the text.
`<notice>.html` is the same once more, without what stands around it, which is `frame.html`. In a folder of the host's
each file takes the place of the one that ships; where only a text is there, the notice has no HTML.
"""

import html
import logging
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from typing_extensions import override

from revenge_core.mail.entities import Letter, Notice
from revenge_core.mail.policy import ALWAYS, BODY_MAX, SUBJECT_MAX, VALUES
from revenge_core.mail.ports import NoticeTemplates
from revenge_core.secrets import Secret

FRAME: Final = "frame.html"
FRAME_VALUES: Final = ALWAYS | {"content", "subject"}
TEMPLATE_MAX: Final = 64 * 1024
"""The longest file, in bytes."""
VALUE_MAX: Final = 2000
"""The longest value, in characters: the rest is cut off."""
SUBJECT_MARK: Final = "Subject:"

_BREAKS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of what follows, so that an address reads as another."""

_log: Final = logging.getLogger("revenge.mail")


class _UnusableError(Exception):
    """A template cannot be used; its text says why."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One notice, ready to be filled in."""

    subject: Template
    text: Template
    html: Template | None
    frame: Template


class FileTemplates(NoticeTemplates):
    """Templates that ship, and those of `folder` in their place. They are read once: changing one is a restart."""

    def __init__(self, folder: Path | None = None) -> None:
        self.own = 0
        """How many files of the folder are used."""
        self._sheets = dict(_shipped())
        self._left_aside: dict[Notice, str] = {}
        self.problems: tuple[str, ...] = ()
        """What is wrong with the folder, one line each. Whoever starts a server tells the log."""
        if folder is not None:
            self.problems = tuple(self._take(folder))

    @override
    def render(self, notice: Notice, values: Mapping[str, str | Secret]) -> Letter:
        if problem := self._left_aside.get(notice):
            _log.warning("%s", problem)
        plain = {name: _one_line(value) for name, value in values.items()}
        try:
            return _filled(self._sheets[notice], plain)
        except _UnusableError as problem:
            _log.warning("the template of %s is left aside, filled in it %s", notice, problem)
            return _filled(_shipped()[notice], plain)

    def _take(self, folder: Path) -> Iterator[str]:
        """Put the host's templates in place of those that ship; what is wrong, one by one."""
        try:
            found = {file.name for file in folder.iterdir()}
        except OSError as problem:
            told = f"email.templates_dir: {folder} cannot be read ({problem.strerror}), so the usual templates are used"
            self._left_aside = dict.fromkeys(Notice, told)
            yield told
            return
        known = {FRAME, *(f"{notice}.{kind}" for notice in Notice for kind in ("html", "txt"))}
        self.own = len(found & known)
        for name in sorted(found - known):
            yield f"email.templates_dir: {folder / name} is no template of any notice, so nobody uses it"
        frame = self._sheets[Notice.WELCOME].frame
        if FRAME in found:
            try:
                frame = _frame(_read(folder / FRAME))
            except _UnusableError as problem:
                told = f"email.templates_dir: {folder / FRAME} is left aside, since it {problem}"
                self._left_aside = dict.fromkeys(Notice, told)
                yield told
        for notice in Notice:
            try:
                self._sheets[notice] = _own_sheet(folder, found, notice, replace(self._sheets[notice], frame=frame))
            except _UnusableError as problem:
                told = f"email.templates_dir: the template of {notice} is left aside, since {problem}"
                self._left_aside[notice] = told
                yield told


@cache
def _shipped() -> Mapping[Notice, _Sheet]:
    texts = files("revenge_adapters").joinpath("mail_texts")
    frame = _frame(texts.joinpath(FRAME).read_text("utf-8"))
    return {
        notice: _Sheet(
            *_letter(texts.joinpath(f"{notice}.txt").read_text("utf-8"), VALUES[notice] | ALWAYS),
            html=_checked(texts.joinpath(f"{notice}.html").read_text("utf-8"), VALUES[notice] | ALWAYS),
            frame=frame,
        )
        for notice in Notice
    }


def _own_sheet(folder: Path, found: Collection[str], notice: Notice, usual: _Sheet) -> _Sheet:
    sheet, known = usual, VALUES[notice] | ALWAYS
    for name, is_text in ((f"{notice}.txt", True), (f"{notice}.html", False)):
        if name not in found:
            continue
        try:
            content = _read(folder / name)
            if is_text:
                subject, text = _letter(content, known)
                sheet = replace(sheet, subject=subject, text=text, html=None)
            else:
                sheet = replace(sheet, html=_checked(content, known))
        except _UnusableError as problem:
            raise _UnusableError(f"{folder / name} {problem}") from problem
    return sheet


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(TEMPLATE_MAX + 1)
    except OSError as problem:
        raise _UnusableError(f"cannot be read ({problem.strerror})") from problem
    if len(content) > TEMPLATE_MAX:
        raise _UnusableError(f"has more than {TEMPLATE_MAX} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise _UnusableError("is no UTF-8 text") from problem
    return text.replace("\r\n", "\n")


def _letter(content: str, known: Collection[str]) -> tuple[Template, Template]:
    """Subject and text."""
    first, _, rest = content.partition("\n")
    subject = first.removeprefix(SUBJECT_MARK).strip()
    if not first.startswith(SUBJECT_MARK) or not subject:
        raise _UnusableError(f"does not begin with a line `{SUBJECT_MARK} …`")
    return _checked(subject, known), _checked(rest.lstrip("\n"), known)


def _frame(content: str) -> Template:
    frame = _checked(content, FRAME_VALUES)
    if "content" not in frame.get_identifiers():
        raise _UnusableError("does not say where $content goes")
    return frame


def _checked(content: str, known: Collection[str]) -> Template:
    template = Template(content)
    if not content.strip():
        raise _UnusableError("is empty")
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n" for character in content):
        raise _UnusableError("holds control characters")
    if not template.is_valid():
        raise _UnusableError("has a $ that begins no name; a $ of its own is written $$")
    if unknown := sorted(set(template.get_identifiers()) - set(known)):
        named = ", ".join(f"${name}" for name in unknown)
        raise _UnusableError(f"names {named}, which is not known here; known are {', '.join(sorted(known))}")
    return template


def _filled(sheet: _Sheet, plain: Mapping[str, str]) -> Letter:
    subject = _cut(_one_line(sheet.subject.substitute(plain)), SUBJECT_MAX)
    text = sheet.text.substitute(plain)
    page = None
    if sheet.html is not None:
        escaped = {name: html.escape(value) for name, value in plain.items()}
        content = sheet.html.substitute(escaped)
        page = sheet.frame.substitute(escaped, subject=html.escape(subject), content=content)
    if not subject:
        raise _UnusableError("has an empty subject")
    if max(len(part.encode()) for part in (text, page or "")) > BODY_MAX:
        raise _UnusableError(f"has more than {BODY_MAX} bytes")
    return Letter(subject=subject, text=Secret(text), html=None if page is None else Secret(page))


def _one_line(value: str | Secret) -> str:
    """The value without anything that would break a line, end a header, or turn text around."""
    text = value.reveal() if isinstance(value, Secret) else value
    return "".join(" " if _is_unwanted(character) else character for character in text[:VALUE_MAX]).strip()


def _is_unwanted(character: str) -> bool:
    return unicodedata.category(character) in _BREAKS or character in _TURNS


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else line[: most - 1] + "…"
