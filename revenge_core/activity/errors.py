"""What the audit log refuses."""

from revenge_core.errors import Conflict, Invalid, Unavailable


class CursorInvalid(Invalid):
    """The cursor is not one that this list gave out."""

    code = "cursor_invalid"
    title = "The cursor is not one of this list; start again without it"


class ErasureRefused(Conflict):
    """The account is still there: its traces in the log go when it is erased for good, and the log says so."""

    code = "erasure_refused"
    title = "The audit log forgets accounts only once they are erased; this one was not"


class RetentionRefused(Conflict):
    """Entries are kept for 30 days at least, and none is dropped that the chain does not hold."""

    code = "retention_refused"
    title = "These entries of the audit log are too young, or not sealed yet"


class ShippingFailed(Unavailable):
    """Where checkpoints are shipped to, nobody takes them. They wait, and go out in order when somebody does."""

    code = "shipping_failed"
    title = "Checkpoints of the audit log cannot be shipped right now"


class CheckpointsInvalid(Invalid):
    """What was given as checkpoints holds none."""

    code = "checkpoints_invalid"
    title = "There is no checkpoint of the audit log in this file"
