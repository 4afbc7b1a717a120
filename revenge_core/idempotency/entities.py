"""Requests that carry an `Idempotency-Key` (decisions W7, rulings R12)."""

from datetime import datetime

from revenge_core.entity import Entity


class Attempt(Entity, kw_only=True):
    """One request, as it is recognised when it comes again."""

    caller: str
    """Who sent it: a user, or the address of somebody who is not signed in. Keys of others mean nothing to them."""
    operation: str
    key_hash: bytes
    """SHA-256 of the header: what somebody else chose is not kept as it is."""
    fingerprint: bytes
    """Keyed digest of what was sent, so that passwords in it stay safe; the same key with another one is a mistake."""


class Outcome(Entity, kw_only=True):
    """What was answered. Where the answer held a secret there is no body, only where to find what was made."""

    status: int
    body: bytes | None
    location: str | None


class Recorded(Entity, kw_only=True):
    """An attempt that was begun before, by the same caller with the same key."""

    fingerprint: bytes
    begun_at: datetime
    outcome: Outcome | None
    """None while it is not known: it runs, or its process died."""
