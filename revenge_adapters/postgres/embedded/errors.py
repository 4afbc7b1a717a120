"""What can go wrong with the embedded PostgreSQL, in words an operator can act on."""

from typing_extensions import override


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot do what was asked.

    The text says what happened, to what, and what to do next; `log` holds the
    last lines of the server's log when there are any, and is part of the text.
    """

    def __init__(self, what: str, *, next_step: str, log: str = "") -> None:
        self.what = what
        self.next_step = next_step
        self.log = log
        super().__init__(what, next_step, log)

    @override
    def __str__(self) -> str:
        text = f"{self.what} {self.next_step}"
        if self.log:
            text += f"\nLast lines of the server's log:\n{self.log}"
        return text
