"""What becomes of keys by themselves: their owners are reminded before they expire, and they are forgotten after."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from revenge_core.apikeys.entities import ExpiringKey, KeyRules
from revenge_core.apikeys.policy import KEPT
from revenge_core.apikeys.ports import ApiKeysTx
from revenge_core.background import JobContext, in_batches
from revenge_core.clock import Clock
from revenge_core.mail.entities import Notice
from revenge_core.mail.errors import MailInvalid
from revenge_core.mail.service import Notices
from revenge_core.uow import UnitOfWork

BATCH: Final = 100
"""So many keys at most does one transaction of the maintenance change."""


class KeyUpkeep:
    """Reminders and forgetting."""

    def __init__(self, uow: UnitOfWork[ApiKeysTx], notices: Notices, clock: Clock, rules: KeyRules) -> None:
        self._uow = uow
        self._notices = notices
        self._clock = clock
        self._rules = rules

    async def maintain(self, ctx: JobContext) -> None:
        """See `ApiKeys.maintain`."""
        now = self._clock.now()
        if self._notices.are_on:
            await in_batches(ctx, "reminding of keys", lambda: self._remind(now))
        await in_batches(ctx, "forgetting keys", lambda: self._forget(before=now - KEPT))
        async with self._uow.begin() as tx:
            await ctx.complete(tx)

    async def _remind(self, now: datetime) -> int:
        """A key counts as told of in the transaction that hands over the mail: done twice, it is one mail."""
        async with self._uow.begin() as tx:
            expiring = await tx.api_keys.expiring(now=now, ahead=self._rules.reminded_before, limit=BATCH)
            for one in expiring:
                with suppress(MailInvalid):  # an address that nobody can write to keeps others from no mail
                    await self._notices.send(tx, one.email, Notice.KEY_EXPIRES, self._words(one))
            await tx.api_keys.mark_reminded([one.key.id for one in expiring], now)
        return len(expiring)

    def _words(self, one: ExpiringKey) -> dict[str, str]:
        """A key's name has room for an advertisement: an address that nobody proved to be theirs does not get it."""
        until = self._notices.time(one.key.expires_at or self._clock.now(), one.timezone)
        key = f"{one.key.name} ({one.key.prefix}…)" if one.email_verified else f"{one.key.prefix}…"
        return {"name": one.username, "key": key, "until": until}

    async def _forget(self, *, before: datetime) -> int:
        async with self._uow.begin() as tx:
            return await tx.api_keys.forget_over(before=before, limit=BATCH)
