"""What keeps passwords from being guessed, and nobody from signing in (decisions I7, rulings R9, R19)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, Origin
from revenge_core.auth.entities import AuthRules, Guess, GuessCount
from revenge_core.auth.errors import TooManyAttempts
from revenge_core.auth.policy import (
    GuessKeys,
    allowance_of,
    charged,
    earlier_by,
    forgotten_after,
    strangers_wait,
    subjects_of,
    taken,
    used_now,
    wait,
)
from revenge_core.auth.ports import AuthTx, GuessReader
from revenge_core.clock import Clock
from revenge_core.idempotency.ports import Fingerprints
from revenge_core.ids import DeviceId, UserId
from revenge_core.limits.service import Limits
from revenge_core.paging import checked_limit
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork

TOLD_EVERY: Final = timedelta(minutes=1)


class Guessing:
    """Counts guesses in the database, before anything is hashed."""

    def __init__(
        self,
        uow: UnitOfWork[AuthTx],
        reader: GuessReader,
        fingerprints: Fingerprints,
        activity: Activity,
        clock: Clock,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._fingerprints = fingerprints
        self._activity = activity
        self._clock = clock
        self._rules = rules.guesses

    async def charge(
        self,
        account: UserId | None,
        typed: str,
        origin: Origin,
        *,
        device: DeviceId | None = None,
        action: Action = Action.USER_LOGIN,
    ) -> Guess:
        """Count one guess at `account`, or at the name `typed`, which nobody has. The audit log calls it `action`.

        A `device` that the account knows has an allowance of its own, for which nobody else's guesses count. Once that
        is used up it is like any other.

        Raises:
            TooManyAttempts: it may not be made now; `retry_after` says when. The audit log is told once a minute.
            DatabaseUnavailable: nobody can count, so nobody may guess.
        """
        keys = GuessKeys(self._who(account, typed), Limits.whose(origin.address))
        if device is not None and (guess := await self._charge_device(keys.device(device))) is not None:
            return guess
        try:
            async with self._uow.begin(
                durable=False
            ) as tx:  # the answer to a wrong one waits for the disk: it is audited
                now = self._clock.now()
                counts = await tx.guesses.lock(keys.all, now)
                pair, address, everybody = (counts[key] for key in keys.all)
                seconds = strangers_wait(pair, address, everybody, self._rules, now)
                if seconds > 0:
                    # Nothing is kept of it here: strangers choose the names, and would fill the table with them.
                    raise TooManyAttempts(retry_after=seconds)
                guess = await self._count(tx, counts.values(), now)
        except TooManyAttempts:
            await self._note_refusal(account, keys, origin, action)
            raise
        return guess

    async def refund(self, tx: AuthTx, guess: Guess) -> None:
        """It was no guess: the password was right, or nobody looked. Last in the transaction of what it led to."""
        await tx.guesses.give_back(
            {key: earlier_by(took, allowance_of(key, self._rules)) for key, took in guess.taken.items()}
        )

    async def used(self, actor: Actor, *, limit: int = 100) -> Sequence[GuessCount]:
        """Counts of which something is used up now, latest guess first. Their `used` is that of this moment.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `limits:list`.
            Invalid: `limit` is out of range.
        """
        actor.require(Permission.LIMITS_LIST)
        now = self._clock.now()
        counts = await self._reader.used(limit=checked_limit(limit))
        present = (replace(one, used=used_now(one, allowance_of(one.key, self._rules), now)) for one in counts)
        return tuple(count for count in present if count.used > 0)

    async def clear(self, actor: Actor, subject: str) -> int:
        """Forget what was counted against an account (by its id) or an address; how many counts.

        Raises:
            Unauthenticated, Forbidden: the actor lacks `limits:clear`.
        """
        actor.require(Permission.LIMITS_CLEAR)
        subject = _as_counted(subject)
        async with self._uow.begin() as tx:
            cleared = await tx.guesses.clear(subject)
            await self._activity.write(
                tx,
                actor,
                Action.LIMIT_CLEAR,
                resource=Resource(type="limit", key=subject),
                reason=f"{cleared} counts forgotten",
            )
        return cleared

    async def forget_old(self, *, limit: int) -> int:
        """Delete up to `limit` counts that say nothing any more; how many."""
        async with self._uow.begin() as tx:
            return await tx.guesses.forget(before=self._clock.now() - forgotten_after(self._rules), limit=limit)

    def _who(self, account: UserId | None, typed: str) -> str:
        """Nothing of what was typed for a name that nobody has is kept: now and then it is a password."""
        if account is not None:
            return str(account)
        return self._fingerprints.of(b"name\x00" + typed.encode("utf-8", "surrogatepass")).hex()

    async def _charge_device(self, key: str) -> Guess | None:
        """Count it against the device alone; None if its allowance is used up."""
        async with self._uow.begin(durable=False) as tx:
            now = self._clock.now()
            count = (await tx.guesses.lock([key], now))[key]
            if wait(count, self._rules.per_device, now) > 0:
                return None
            return await self._count(tx, [count], now)

    async def _count(self, tx: AuthTx, counts: Iterable[GuessCount], now: datetime) -> Guess:
        """Count one guess more under the keys of these counts, which are locked."""
        took: dict[str, float] = {}
        changed: list[GuessCount] = []
        for count in counts:
            allowance = allowance_of(count.key, self._rules)
            changed.append(after := charged(count, allowance, now))
            took[count.key] = taken(count, after, allowance, now)
        await tx.guesses.put(changed)
        return Guess(taken=took)

    async def tell_rest(self, *, limit: int) -> int:
        """Tell the audit log of up to `limit` counts with refusals that it was not told yet; how many counts."""
        async with self._uow.begin() as tx:
            counts = await tx.guesses.lock_untold(told_before=self._clock.now() - TOLD_EVERY, limit=limit)
            for count in counts:
                account, address = subjects_of(count.key)
                actor = Actor.anonymous(Origin(address=address))
                await self._tell(tx, actor, Action.USER_LOGIN, account, count.refused)
            await tx.guesses.put([replace(count, refused=0) for count in counts])
        return len(counts)

    async def _note_refusal(self, account: UserId | None, keys: GuessKeys, origin: Origin, action: Action) -> None:
        """Count it for the audit log, which hears of it at once, and then once a minute as long as it goes on.

        What was tried from one address at names that nobody has is told together.
        """
        key = keys.address if account is None else keys.pair
        async with self._uow.begin() as tx:
            now = self._clock.now()
            count = (await tx.guesses.lock([key], now))[key]
            refused = count.refused + 1
            if count.told_at is not None and now - count.told_at < TOLD_EVERY:
                await tx.guesses.put([replace(count, refused=refused)])
                return
            await tx.guesses.put([replace(count, refused=0, told_at=now)])
            await self._tell(tx, Actor.anonymous(origin), action, account, refused)

    async def _tell(self, tx: AuthTx, actor: Actor, action: Action, account: UserId | None, refused: int) -> None:
        await self._activity.write(
            tx,
            actor,
            action,
            resource=None if account is None else Resource(type="user", id=account),
            changes={"refused": FieldChange(after=refused)},
            outcome=Outcome.FAILURE,
            reason="too many attempts",
        )


def _as_counted(subject: str) -> str:
    """An address or a network as it is in the keys; anything else as it is."""
    try:
        network = ip_network(subject, strict=False)
    except ValueError:
        return subject
    return Limits.whose(str(network.network_address))
