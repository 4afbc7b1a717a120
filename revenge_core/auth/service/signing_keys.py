"""The keys that sign access tokens: made on first start, rotated without logging anybody out (decisions I3)."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from revenge_core.activity.entities import Action
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, ActorKind
from revenge_core.auth.entities import AccessClaims, AuthRules
from revenge_core.auth.errors import AccessTokenInvalid
from revenge_core.auth.ports import AccessTokens, AuthTx
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.feed import SIGNING_KEYS_CHANGED
from revenge_core.ids import Ids
from revenge_core.uow import UnitOfWork

RELOAD_INTERVAL: Final = timedelta(seconds=1)


class SigningKeys:
    """Signing keys, which live in the database, wrapped by the server's master secret (rulings R21)."""

    def __init__(
        self,
        uow: UnitOfWork[AuthTx],
        tokens: AccessTokens,
        activity: Activity,
        clock: Clock,
        ids: Ids,
        rules: AuthRules,
    ) -> None:
        self._uow = uow
        self._tokens = tokens
        self._activity = activity
        self._clock = clock
        self._ids = ids
        self._rules = rules
        self._loaded_at: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Use the database's keys from now on; the first start makes one.

        Raises:
            MasterSecretMismatch: they were wrapped with another secret.
        """
        self._loaded_at = now = self._clock.now()
        async with self._uow.begin() as tx:
            keys = await tx.signing_keys.lock_all()
            if not keys:
                await tx.signing_keys.add(self._tokens.new_key(str(self._ids.new()), now=now))
                await self._activity.write(tx, Actor.system(), Action.SIGNING_KEY_CREATE)
                keys = await tx.signing_keys.lock_all()
        self._tokens.load(keys)

    async def rotate(self, actor: Actor) -> None:
        """Sign with a new key; tokens of the old one stay good until they expire.

        Raises:
            Unauthenticated: the actor is not the host or Revenge itself.
        """
        if actor.kind not in {ActorKind.HOST, ActorKind.SYSTEM}:
            raise Unauthenticated
        now = self._clock.now()
        async with self._uow.begin() as tx:
            await tx.signing_keys.lock_all()
            await tx.signing_keys.add(self._tokens.new_key(str(self._ids.new()), now=now))
            await tx.signing_keys.forget_retired(now - 2 * self._rules.access_token_lifetime)
            tx.feed.publish(SIGNING_KEYS_CHANGED)
            await self._activity.write(tx, actor, Action.SIGNING_KEY_ROTATE)
        await self.load()

    async def verify(self, access_token: str, now: datetime) -> AccessClaims:
        """What the token says; a key that another process made since is fetched.

        Keys are fetched at most once a second, since strangers choose the key that a token names; whoever comes while
        they are being fetched waits for the same answer.

        Raises:
            AccessTokenInvalid: not signed by this server, malformed or expired.
        """
        try:
            return self._tokens.verify(access_token, now=now)
        except AccessTokenInvalid:
            if self._tokens.knows_key_of(access_token) or (self._looking is None and self._is_recent(now)):
                raise
        if self._looking is None:
            self._looking = asyncio.create_task(self.load())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)
        return self._tokens.verify(access_token, now=now)

    def _looked(self, _: "asyncio.Task[None]") -> None:
        self._looking = None

    def _is_recent(self, now: datetime) -> bool:
        return self._loaded_at is not None and now - self._loaded_at < RELOAD_INTERVAL
