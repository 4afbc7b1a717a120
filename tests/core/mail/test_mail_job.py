"""What is written into the database about a message, which older and newer programs read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from revenge_adapters.memory.sealer import MemorySealer
from revenge_core.jobs.errors import JobPayloadInvalid
from revenge_core.jobs.policy import decoded, encoded
from revenge_core.mail.entities import Email
from revenge_core.mail.jobs import SendEmail
from revenge_core.mail.policy import BODY_MAX, email_problems
from revenge_core.secrets import Secret
from revenge_core.testing.builders import NOW, an_email

GOLDEN: Final = Path(__file__).parents[1] / "jobs" / "golden" / "send_email.v1.json"
"""Written by the first version that had mail; never changed."""

JOB: Final = SendEmail(
    message_id="019a0000-0000-7000-8000-000000000000@films.example.org",
    date=datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC),
    email=Email(
        to="ada@example.org",
        subject="Good news",
        text=Secret("It works.\n"),
        html=Secret("<p>It works.</p>\n"),
        reply_to="help@films.example.org",
        good_until=datetime(2026, 3, 15, 15, 9, 26, 535897, tzinfo=UTC),
    ),
)


def written(job: SendEmail) -> bytes:
    return encoded(job, lambda secret: MemorySealer().seal(secret, "job send_email"))


def read(args: bytes) -> object:
    return decoded(SendEmail, msgspec.Raw(args), lambda sealed: MemorySealer().unseal(sealed, "job send_email"))


def unsealed(args: bytes) -> Any:  # noqa: ANN401 -- JSON
    """What is written but for the seals, which differ each time."""
    return json.loads(args, object_hook=lambda found: "sealed" if set(found) == {"sealed"} else found)


def test_what_the_first_version_wrote_is_still_read() -> None:
    assert read(GOLDEN.read_bytes()) == JOB


def test_what_is_written_now_the_first_version_would_have_read() -> None:
    assert unsealed(written(JOB)) == unsealed(GOLDEN.read_bytes())


def test_what_a_newer_version_may_add_is_ignored() -> None:
    newer = json.loads(GOLDEN.read_bytes())
    newer["importance"] = newer["email"]["attachments"] = ["later"]
    assert read(json.dumps(newer).encode()) == JOB


def test_a_row_that_cannot_be_read_is_told_without_what_is_in_it() -> None:
    broken = json.loads(GOLDEN.read_bytes())
    broken["email"]["text"] = "token-4f1d in the open"
    with pytest.raises(JobPayloadInvalid) as refused:
        read(json.dumps(broken).encode())
    assert "4f1d" not in refused.value.detail


def test_the_longest_message_fits_into_a_job() -> None:
    longest = an_email(text=Secret("ä" * (BODY_MAX // 2)), html=Secret("ä" * (BODY_MAX // 2)))
    assert list(email_problems(longest)) == []
    assert len(written(SendEmail(message_id="1@example.org", date=NOW, email=longest))) < 1024 * 1024
