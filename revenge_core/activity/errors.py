"""What the audit log refuses."""

from revenge_core.errors import Invalid


class CursorInvalid(Invalid):
    """The cursor is not one that this list gave out."""

    code = "cursor_invalid"
    title = "The cursor is not one of this list; start again without it"
