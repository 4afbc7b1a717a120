"""Settings of the audit log."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from revenge_core.activity.entities import AuditRules
from revenge_core.entity import Entity
from revenge_core.secrets import Secret


class Audit(Entity, kw_only=True):
    """The audit log: how long it is kept, and where what proves it goes."""

    retention: Annotated[
        timedelta,
        Meta(
            description="How long entries are kept, at least 30 days. Whole months go, once the youngest entry of one "
            "is older; the log says so itself. The default is a year to look back on, and a month to do it in.",
        ),
    ] = AuditRules().retention
    ship_to: Annotated[
        str | None,
        Meta(
            description="Where signed checkpoints are kept besides the database, so that nobody who changes that goes "
            "unnoticed: a file on another machine's disk, such as `/mnt/elsewhere/checkpoints.ndjson`, or an address "
            "that takes them by POST, such as `https://logs.example.org/revenge`. Without it they go nowhere.",
        ),
    ] = None
    ship_token: Annotated[
        Secret | None, Meta(description="What that address wants as a bearer token, if it wants one.")
    ] = None
