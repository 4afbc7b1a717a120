"""Requests that are sent twice, and done once."""

from revenge_core.idempotency.entities import Attempt, Outcome, Recorded
from revenge_core.idempotency.service import Idempotency

__all__ = ["Attempt", "Idempotency", "Outcome", "Recorded"]
