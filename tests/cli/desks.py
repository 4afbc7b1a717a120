"""One command line, done here and there, and what has to be the same."""

import json
import re
from dataclasses import dataclass
from typing import Final

from click.testing import Result

from revenge_adapters import Sandbox
from tests.cli.served import id_of

SHAPES: Final = ((), ("--plain",), ("--json",))


@dataclass(frozen=True)
class Scene:
    """One command line; `{ada}` stands for an id."""

    line: str
    code: int = 0
    is_own: bool = False
    """Refused here for another reason than elsewhere, where it is the account of whoever asks."""

    @property
    def changes(self) -> bool:
        """Whether the world is another one afterwards."""
        verb = self.line.split()[1]
        return self.code == 0 and "--dry-run" not in self.line and verb not in {"list", "show"}

    def arguments(self, box: Sandbox) -> list[str]:
        words = self.line.split()
        ids = {name: str(id_of(box, name)) for name in ("ada", "bob", "carol", "dave", "root")}
        ids["session"] = str(next(one.id for one in box.rows.sessions.values() if one.user_id == id_of(box, "ada")))
        newest = sorted(box.rows.invitations.values(), key=lambda one: one.created_at)
        ids["invitation"] = str(newest[-1].id)
        return [word.format(**ids) for word in words]


def name_of(scene: Scene) -> str:
    return scene.line.replace(" ", "_")


def without_chance(text: str) -> str:
    """What is random, and who made an invitation: nobody who has an account, or the one whose token it is."""
    text = re.sub(r"token=[\w-]+", "token=…", text)
    text = re.sub(r"\brv_[0-9a-f]{5}\b", "rv_…", text)
    return re.sub(r'(created_by\W+?)("?[0-9a-f-]{36}"?|null|)(,?)$', r"\1…\3", text, flags=re.MULTILINE)


def compare(scene: Scene, shape: tuple[str, ...], here: Result, there: Result) -> None:
    assert (here.exit_code, there.exit_code) == (scene.code, scene.code), here.stderr + there.stderr
    assert without_chance(there.stdout) == without_chance(here.stdout)
    assert not {"\u202e", "\x1b"} & set(here.stdout + here.stderr + there.stdout + there.stderr)
    if scene.code != 0:
        assert here.stdout == ""
        assert here.stderr
        if shape == ("--json",) and not scene.is_own:
            assert json.loads(there.stderr)["error"] == json.loads(here.stderr)["error"]
    elif shape == ("--json",):
        json.loads(here.stdout)
