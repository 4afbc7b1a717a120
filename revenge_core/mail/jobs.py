"""The job that sends a message."""

from datetime import datetime, timedelta
from typing import ClassVar

from revenge_core.background import Curve, Job, JobSpec, Queue, Retry
from revenge_core.mail.entities import Email


class SendEmail(Job, kw_only=True):
    """One message to one person: whoever cannot be reached holds up nobody else.

    Retries come after 1, 2, 4 … minutes, so that a server that puts strangers off for some minutes (greylisting) is
    soon asked again, and then every four hours; after two days the message is a dead letter.
    """

    spec: ClassVar[JobSpec] = JobSpec(
        kind="send_email",
        queue=Queue.HIGH,
        max_attempts=20,
        timeout=timedelta(minutes=5),
        retry=Retry(curve=Curve.EXPONENTIAL, step=timedelta(minutes=1), ceiling=timedelta(hours=4)),
        pure=True,
    )

    message_id: str
    """Minted when it was enqueued; every attempt sends it."""
    date: datetime
    email: Email
