"""The page of `docs/reference` about what Revenge writes to people."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from revenge_core.mail.entities import Notice
from revenge_core.mail.policy import ALWAYS, VALUES

TEMPLATES_HEAD: Final = """\
# Templates of mail

What Revenge writes to people by itself. Each notice has two files: `<notice>.txt`, with `Subject: …` in its first line,
then an empty line and the text, and `<notice>.html`, the same once more, which is put into `frame.html` where that says
`$content` (it knows `$subject`, `$server` and `$url` besides). Files of those names in the folder that
`email.templates_dir` names take the places of these; a text of one's own without HTML goes out as text alone.

`$name` and `${name}` are filled in, `$$` is a dollar. A value is one line of at most 2000 characters; in HTML it is
escaped, and it is never read as a template. A file has at most 64 KiB, in UTF-8.
"""


def templates_page() -> str:
    """Every notice under a heading of its own, with what it knows and how it reads."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield TEMPLATES_HEAD
    texts = files("revenge_adapters").joinpath("mail_texts")
    for notice in Notice:
        known = ", ".join(f"`${name}`" for name in sorted(VALUES[notice] | ALWAYS))
        text = texts.joinpath(f"{notice}.txt").read_text("utf-8")
        yield f"## `{notice}`\n\nKnows {known}.\n\n```text\n{text}```\n"
