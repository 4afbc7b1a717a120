"""The schema, step by step: `NNNN_pre_name.sql` before new code runs, `NNNN_post_name.sql` when the old has left.

Forward only. A file that was released is never changed: its checksum is in every database.
"""

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Final

from revenge_core.entity import Entity

_NAME: Final = re.compile(r"\d{4}_(pre|post)_\w+\.sql")


class Migration(Entity, kw_only=True):
    """One step, as it ships."""

    number: int
    name: str
    """The file's name without `.sql`."""
    text: str

    @property
    def half(self) -> str:
        """`pre` if it may run while older versions still do, `post` if not."""
        return self.name.split("_")[1]

    @property
    def checksum(self) -> str:
        """SHA-256 of the file; line ends do not count."""
        return hashlib.sha256("\n".join(self.text.splitlines()).encode()).hexdigest()


@cache
def shipped() -> tuple[Migration, ...]:
    """Every migration of this version, in order."""
    found = sorted(file.name for file in files(__name__).iterdir() if _NAME.fullmatch(file.name))
    migrations = tuple(
        Migration(number=int(name[:4]), name=name.removesuffix(".sql"), text=_read(name)) for name in found
    )
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise RuntimeError(f"migrations are to be numbered 1, 2, 3 …, each once: {found}")
    return migrations


def grants() -> str:
    """What the application role may do; `{role}` stands for its name."""
    return _read("grants.sql")


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")
