"""Use cases of API keys (decisions A4)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import NOWHERE, Actor, ActorKind, Origin
from revenge_core.apikeys.entities import ApiKey, KeyChanges, KeyProposal, KeyRules, MadeKey, NewKey
from revenge_core.apikeys.errors import (
    KeyIsOver,
    KeyNameTaken,
    KeyNotFound,
    KeySpecInvalid,
    KeyWidened,
    TooManyKeys,
)
from revenge_core.apikeys.jobs import KeyMaintenance
from revenge_core.apikeys.policy import (
    canonical,
    empty_problems,
    expiry_of,
    field_problems,
    grant_of,
    name_key,
    needs_proof,
    new_problems,
    new_secret,
    overlap_problems,
    prefix_of,
    rights_of,
    widened,
)
from revenge_core.apikeys.ports import ApiKeysTx, KeyReader
from revenge_core.apikeys.service.presented import PresentedKeys
from revenge_core.apikeys.service.upkeep import KeyUpkeep
from revenge_core.apikeys.service.usage import KeyUsage
from revenge_core.background import JobContext
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated, VersionMismatch
from revenge_core.feed import Change
from revenge_core.ids import Ids, KeyId, UserId
from revenge_core.permissions import Permission
from revenge_core.rbac.service import Powers
from revenge_core.secrets import Secret, digest
from revenge_core.uow import UnitOfWork


class _Owned(NamedTuple):
    """A live key of the actor's own, locked with its owner."""

    tx: ApiKeysTx
    key: ApiKey


class ApiKeys:
    """Keys that programs present instead of signing in. Whoever comes with one manages none (rulings R13)."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[ApiKeysTx],
        reader: KeyReader,
        presented: PresentedKeys,
        usage: KeyUsage,
        powers: Powers,
        upkeep: KeyUpkeep,
        activity: Activity,
        clock: Clock,
        ids: Ids,
        rules: KeyRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._presented = presented
        self._usage = usage
        self._powers = powers
        self._upkeep = upkeep
        self._activity = activity
        self._clock = clock
        self._ids = ids
        self._rules = rules

    async def authenticate(self, presented: Secret, origin: Origin = NOWHERE) -> Actor:
        """Who presents this key, with the rights of this moment: the key's, as far as its owner has them.

        Raises:
            KeyInvalid: unknown, revoked or expired, or its owner is disabled or deleted: one answer (401).
            KeyAddressRefused: it is not taken from this address (403).
        """
        return await self._presented.authenticate(presented, origin)

    async def create(self, actor: Actor, new: NewKey) -> MadeKey:
        """Make a key of the actor's own. It may name rights that its owner does not have: it never gets those.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeySpecInvalid: something about it breaks a rule; all of it is named.
            ReauthRequired: it reaches further than the scope `write`, and the latest proof is too old (W12).
            KeyNameTaken, TooManyKeys: the actor has one of this name, or as many as one may have.
        """
        owner, now = actor.require_person(), self._clock.now()
        if problems := list(new_problems(new, self._rules, now)):
            raise KeySpecInvalid(problems=problems)
        secret = new_secret()
        key = ApiKey(
            id=KeyId(self._ids.new()),
            user_id=owner,
            name=new.name.strip(),
            description=new.description or None,
            prefix=prefix_of(secret),
            scopes=new.scopes,
            permissions=new.permissions,
            libraries=new.libraries,
            addresses=None if new.addresses is None else canonical(new.addresses),
            rate_limit=new.rate_limit,
            recording=new.recording,
            expires_at=expiry_of(new, self._rules, now),
            previous_until=None,
            last_used_at=None,
            last_used_address=None,
            created_at=now,
            updated_at=now,
            revoked_at=None,
            version=0,
        )
        _check_proof(actor, key, now)
        async with self._uow.begin() as tx:
            live = await _live_of(tx, owner, now)
            _check_name(key, live)
            if len(live) >= self._rules.max_per_user:
                raise TooManyKeys
            await tx.api_keys.add(key, digest(secret))
            told = {field: FieldChange(after=value) for field, value in _told(key).items() if value is not None}
            await self._activity.write(tx, actor, Action.APIKEY_CREATE, resource=_resource(key), changes=told)
        return MadeKey(key=key, secret=secret)

    async def list(self, actor: Actor, user_id: UserId | None = None, *, every: bool = False) -> tuple[ApiKey, ...]:
        """Live keys of a user, of the actor if none is named, newest first; with `every` also those that are over.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            Forbidden: they are somebody else's, and the actor lacks `apikeys:list`.
        """
        _refuse_keys(actor)
        owner = user_id or actor.require_user()
        if owner != actor.user_id:
            actor.require(Permission.APIKEYS_LIST)
        return await self._reader.of_user(owner, live_at=None if every else self._clock.now())

    async def get(self, actor: Actor, key_id: KeyId) -> ApiKey:
        """One key, live or over.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeyNotFound: there is none, or it is somebody else's and the actor lacks `apikeys:list`.
        """
        _refuse_keys(actor)
        key = await self._reader.by_id(key_id)
        if key is None or not (key.user_id == actor.user_id or actor.may(Permission.APIKEYS_LIST)):
            raise KeyNotFound
        return key

    def is_live(self, key: ApiKey) -> bool:
        """Whether the key is good for anything at this moment."""
        return key.is_live(self._clock.now())

    async def change(self, actor: Actor, key_id: KeyId, changes: KeyChanges, version: int | None = None) -> ApiKey:
        """Rename or narrow one of the actor's own keys; what is absent stays. Recording begins anew when turned on.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeySpecInvalid: something breaks a rule; all of it is named.
            KeyNotFound, KeyIsOver: the actor has no such key, or it is over.
            KeyWidened: it would be good for more than it is.
            KeyNameTaken: another one has this name.
            VersionMismatch: it is not at `version`.
        """
        actor.require_person()
        if problems := list(field_problems(changes)):
            raise KeySpecInvalid(problems=problems)
        now = self._clock.now()
        async with self._owned(actor, key_id, now) as (tx, before):
            if version is not None and version != before.version:
                raise VersionMismatch
            after = _changed(before, changes)
            if problems := list(empty_problems(after.scopes, after.permissions)):
                raise KeySpecInvalid(problems=problems)
            if problems := widened(grant_of(after), grant_of(before), changes):
                raise KeyWidened(problems=problems)
            if after == before:
                return before
            _check_name(after, await tx.api_keys.live_of(before.user_id, now))
            after = replace(after, version=before.version + 1, updated_at=now)
            await tx.api_keys.update(after)
            if after.recording and not before.recording:
                await tx.api_keys.forget_uses(key_id)
            tx.feed.publish(Change.of_key(key_id))
            was, told = _told(before), _told(after)
            fields = {
                field: FieldChange(before=was[field], after=told[field]) for field in told if told[field] != was[field]
            }
            await self._activity.write(tx, actor, Action.APIKEY_UPDATE, resource=_resource(after), changes=fields)
        return after

    async def rotate(self, actor: Actor, key_id: KeyId, overlap: timedelta | None = None) -> MadeKey:
        """Replace the secret of one of the actor's own keys; the present one works on for `overlap` (0 to 7 days).

        The one before that, from an earlier rotation, stops working at once.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeySpecInvalid: the overlap is out of range.
            KeyNotFound, KeyIsOver: the actor has no such key, or it is over.
            ReauthRequired: as `create`.
        """
        actor.require_person()
        overlap = self._rules.overlap if overlap is None else overlap
        if problems := list(overlap_problems(overlap)):
            raise KeySpecInvalid(problems=problems)
        secret, now = new_secret(), self._clock.now()
        async with self._owned(actor, key_id, now) as (tx, before):
            _check_proof(actor, before, now)
            after = replace(
                before,
                prefix=prefix_of(secret),
                previous_until=now + overlap if overlap else None,
                version=before.version + 1,
                updated_at=now,
            )
            await tx.api_keys.rotate(after, digest(secret))
            tx.feed.publish(Change.of_key(key_id))
            fields = {
                "prefix": FieldChange(before=before.prefix, after=after.prefix),
                "overlap_seconds": FieldChange(after=int(overlap.total_seconds())),
            }
            await self._activity.write(tx, actor, Action.APIKEY_ROTATE, resource=_resource(after), changes=fields)
        return MadeKey(key=after, secret=secret)

    async def revoke(self, actor: Actor, key_id: KeyId) -> None:
        """End a key for good, on every node. Nothing happens if it was revoked before.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeyNotFound: there is none, or it is somebody else's and the actor lacks `apikeys:revoke`.
            RoleTooPowerful: its owner may do what the actor may not.
        """
        _refuse_keys(actor)
        known = await self._reader.by_id(key_id)
        if known is None or not (known.user_id == actor.user_id or actor.may(Permission.APIKEYS_REVOKE)):
            raise KeyNotFound
        owner = known.user_id
        async with self._uow.begin() as tx:
            await tx.users.lock_any(owner)
            if owner != actor.user_id:
                (await self._powers.reach(tx, actor)).check_over(await tx.roles.roles_of(owner))
            key = await tx.api_keys.lock(key_id)
            if key is None or key.revoked_at is not None:  # whoever came first, it is over
                return
            await self._end(tx, actor, key)

    async def end_all(self, tx: ApiKeysTx, actor: Actor, user_id: UserId) -> None:
        """End all keys of a user for good inside the caller's transaction, which holds the user's lock."""
        for key in sorted(await tx.api_keys.live_of(user_id, self._clock.now()), key=lambda key: key.id):
            await self._end(tx, actor, key)

    async def proposal(self, actor: Actor, key_id: KeyId) -> KeyProposal:
        """What a key was seen to need while it was recording, and the least that would do.

        Raises:
            Unauthenticated, KeyRefused: the actor is nobody who signed in.
            KeyNotFound: the actor has no such key.
        """
        owner = actor.require_person()
        await self._usage.write()
        key = await self._reader.by_id(key_id)
        if key is None or key.user_id != owner:
            raise KeyNotFound
        uses = await self._reader.uses_of(key_id)
        return KeyProposal(key=key, uses=uses, permissions=frozenset(use.right for use in uses))

    async def write_sightings(self) -> int:
        """Write down which keys were used, and what recording ones made use of; how many rows. Housekeeping calls it.

        Raises:
            DatabaseUnavailable: nothing was written; the next call tries again.
        """
        return await self._usage.write()

    async def maintain(self, _: KeyMaintenance, ctx: JobContext) -> None:
        """Remind owners of keys that expire soon, once; forget keys that were over for 90 days."""
        await self._upkeep.maintain(ctx)

    # Parts

    async def _end(self, tx: ApiKeysTx, actor: Actor, key: ApiKey) -> None:
        now = self._clock.now()
        await tx.api_keys.update(replace(key, revoked_at=now, updated_at=now, version=key.version + 1))
        tx.feed.publish(Change.of_key(key.id))
        owner = None if actor.user_id == key.user_id else key.user_id
        await self._activity.write(tx, actor, Action.APIKEY_REVOKE, resource=_resource(key), on_behalf_of=owner)

    @asynccontextmanager
    async def _owned(self, actor: Actor, key_id: KeyId, now: datetime) -> AsyncGenerator[_Owned]:
        """A transaction with a live key of the actor's own; its owner is locked first, as everywhere."""
        owner = actor.require_person()
        async with self._uow.begin() as tx:
            await _lock_owner(tx, owner)
            key = await tx.api_keys.lock(key_id)
            if key is None or key.user_id != owner:
                raise KeyNotFound
            if not key.is_live(now):
                raise KeyIsOver
            yield _Owned(tx, key)


def _refuse_keys(actor: Actor) -> None:
    """People manage keys, the host's shell does, and Revenge itself; programs with keys do not (rulings R13)."""
    actor.refuse_key()
    if actor.kind is ActorKind.ANONYMOUS:
        raise Unauthenticated


def _check_proof(actor: Actor, key: ApiKey, now: datetime) -> None:
    if needs_proof(rights_of(key.scopes, key.permissions)):
        actor.require_proof(now)


async def _lock_owner(tx: ApiKeysTx, user_id: UserId) -> None:
    """Nobody whose account ended since the session was looked at gets a key."""
    user = await tx.users.lock(user_id)
    if user is None or not user.is_active:
        raise Unauthenticated


async def _live_of(tx: ApiKeysTx, user_id: UserId, now: datetime) -> tuple[ApiKey, ...]:
    await _lock_owner(tx, user_id)
    return await tx.api_keys.live_of(user_id, now)


def _check_name(key: ApiKey, live: tuple[ApiKey, ...]) -> None:
    wanted = name_key(key.name)
    if any(other.id != key.id and name_key(other.name) == wanted for other in live):
        raise KeyNameTaken


def _changed(key: ApiKey, changes: KeyChanges) -> ApiKey:
    given = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET}
    after = replace(key, **given)
    return replace(
        after,
        name=after.name.strip(),
        description=after.description or None,
        addresses=None if after.addresses is None else canonical(after.addresses),
    )


def _resource(key: ApiKey) -> Resource:
    return Resource(type="api_key", id=key.id, key=key.name)


def _told(key: ApiKey) -> dict[str, str | bool | int | None]:
    """What the audit log says of a key: all that decides what it is good for, and nothing of its secret."""
    return {
        "name": key.name,
        "description": key.description,
        "scopes": ", ".join(sorted(key.scopes)),
        "permissions": ", ".join(sorted(key.permissions)),
        "libraries": None if key.libraries is None else ", ".join(sorted(map(str, key.libraries))),
        "addresses": None if key.addresses is None else ", ".join(key.addresses),
        "rate_limit": key.rate_limit,
        "recording": key.recording,
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }
