"""What is wrong with a configuration, all at once."""

from collections.abc import Sequence

from typing_extensions import override

from revenge_core.entity import Entity
from revenge_core.errors import FieldProblem, Invalid


class Problem(Entity, kw_only=True):
    """One setting that cannot be used: which, where it was given, what is wrong and what to do."""

    key: str
    source: str
    detail: str

    @override
    def __str__(self) -> str:
        return f"{self.key} ({self.source}): {self.detail}"


class SettingsInvalid(Invalid):
    """The configuration cannot be used; every problem in it is named."""

    code = "settings_invalid"
    title = "The configuration cannot be used"

    def __init__(self, found: Sequence[Problem]) -> None:
        self.found = tuple(found)
        """Each problem with its place, for an operator's eyes."""
        lines = "\n".join(f"  {problem}" for problem in self.found)
        super().__init__(
            f"{self.title}:\n{lines}",
            problems=[
                FieldProblem(pointer=f"/{problem.key.replace('.', '/')}", detail=problem.detail) for problem in found
            ],
        )
