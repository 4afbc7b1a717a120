"""Use cases of sessions: see them, end them, renew them."""

from collections import Counter
from datetime import datetime
from typing import Final

from revenge_core.activity.entities import Action, FieldChange, Outcome, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, ActorKind, Origin
from revenge_core.background import JobContext, in_batches
from revenge_core.clock import Clock
from revenge_core.errors import Unauthenticated
from revenge_core.feed import Change
from revenge_core.ids import Ids, SessionId, UserId
from revenge_core.secrets import Secret, derive_token, digest, new_salt, new_token
from revenge_core.sessions.entities import (
    ClientType,
    EndReason,
    Opened,
    RefreshToken,
    RefreshVerdict,
    Renewed,
    Session,
    SessionRules,
    Sighting,
    Stolen,
)
from revenge_core.sessions.errors import SessionNotFound
from revenge_core.sessions.jobs import SessionMaintenance
from revenge_core.sessions.policy import (
    CLOSING_GRACE,
    DEVICE_KEPT,
    ENDED_KEPT,
    SIGHTING_INTERVAL,
    device_label,
    guess_client_type,
    judge_refresh,
    may_see,
)
from revenge_core.sessions.ports import SessionReader, SessionsTx
from revenge_core.sessions.service.devices import Devices
from revenge_core.uow import UnitOfWork

BATCH: Final = 1000
"""So many rows at most does one transaction of the maintenance change: others wait for it only for a moment."""


class Sessions:
    """Sessions of users.

    Methods that take a `tx` are for services above this one (`auth`), which bring their own transaction.
    """

    def __init__(
        self,
        uow: UnitOfWork[SessionsTx],
        reader: SessionReader,
        devices: Devices,
        activity: Activity,
        clock: Clock,
        ids: Ids,
        rules: SessionRules,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._devices = devices
        self._activity = activity
        self._clock = clock
        self._ids = ids
        self._rules = rules
        self._unwritten: dict[SessionId, Sighting] = {}
        self._noted: dict[SessionId, datetime] = {}

    async def list(self, actor: Actor, user_id: UserId | None = None) -> tuple[Session, ...]:
        """Live sessions of a user, of the actor's own account if none is named; latest activity first.

        Raises:
            Unauthenticated: nobody is signed in.
            KeyRefused: it is an API key, as for all that concerns sessions (decisions A4).
            SessionNotFound: the actor may not know of them.
        """
        actor.refuse_key()
        owner = user_id or actor.require_user()
        if not may_see(actor, owner):
            raise SessionNotFound
        return await self._reader.live_of(owner, self._clock.now())

    async def current(self, actor: Actor) -> Session:
        """The session that the actor came with.

        Raises:
            Unauthenticated, KeyRefused: the actor did not come with a session.
            SessionNotFound: it is over.
        """
        session_id = _session_of(actor)
        for session in await self._reader.live_of(actor.require_user(), self._clock.now()):
            if session.id == session_id:
                return session
        raise SessionNotFound

    async def revoke(self, actor: Actor, session_id: SessionId) -> None:
        """End one of the actor's own sessions, on every node. `Administration.revoke_session` ends those of others.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key.
            SessionNotFound: it is over, never was, or is somebody else's.
        """
        owner = actor.require_person()
        async with self._uow.begin() as tx:
            session = await tx.sessions.by_id(session_id)
            if session is None or session.user_id != owner:
                raise SessionNotFound
            await self.revoke_found(tx, actor, session)

    async def revoke_found(self, tx: SessionsTx, actor: Actor, session: Session) -> None:
        """End a session that the caller found in `tx`, and that the actor may end.

        Raises:
            SessionNotFound: it is over.
        """
        if not await tx.sessions.end(session.id, EndReason.REVOKED, self._clock.now()):
            raise SessionNotFound
        tx.feed.publish(Change.of_session(session.id))
        await self._audit_end(tx, actor, Action.SESSION_REVOKE, session.id, session.user_id)

    async def revoke_current(self, actor: Actor) -> None:
        """End the session that the actor came with; nothing happens if it is over.

        Raises:
            Unauthenticated, KeyRefused: the actor did not come with a session.
        """
        async with self._uow.begin() as tx:
            await self.end_one(tx, actor, _session_of(actor), EndReason.REVOKED, Action.SESSION_REVOKE)

    async def revoke_all(self, actor: Actor, *, except_current: bool = False) -> int:
        """End all of the actor's own sessions; how many there were. `Administration.revoke_sessions` is for others'.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key.
        """
        owner = actor.require_person()
        async with self._uow.begin() as tx:
            keep = actor.session_id if except_current else None
            return await self.end_all(tx, actor, owner, EndReason.REVOKED, Action.SESSION_REVOKE_ALL, keep=keep)

    async def open(
        self,
        tx: SessionsTx,
        user_id: UserId,
        epoch: int,
        origin: Origin,
        *,
        methods: tuple[str, ...],
        device_name: str | None,
        client_type: ClientType | None,
        device_token: Secret | None = None,
    ) -> Opened:
        """Begin a session and hand out its first refresh token. The caller holds the user's lock.

        The user's oldest sessions beyond the limit end. The device is known by its token, and gets one else (R18).
        """
        now = self._clock.now()
        device_name = device_label(device_name)
        kind = client_type or guess_client_type(origin.user_agent)
        noted = await self._devices.note(tx, user_id, kind, device_name, origin, device_token)
        lifetime = self._rules.lifetime(kind)
        expires_at = now + lifetime.absolute
        session = Session(
            id=SessionId(self._ids.new()),
            user_id=user_id,
            device_id=noted.device.id,
            epoch=epoch,
            client_type=kind,
            device_name=device_name,
            user_agent=origin.user_agent,
            address=origin.address,
            methods=methods,
            level=1,
            authenticated_at=now,
            created_at=now,
            last_activity_at=now,
            idle_expires_at=min(now + lifetime.idle, expires_at),
            expires_at=expires_at,
        )
        await tx.sessions.add(session)
        token = new_token()
        await tx.refresh_tokens.add(RefreshToken(token_hash=digest(token), session_id=session.id, issued_at=now))
        if noted.live_sessions >= self._rules.max_per_user:
            await self._evict(tx, session, origin)
        return Opened(
            session=session,
            refresh_token=token,
            device=noted.device,
            is_known=noted.is_known,
            device_token=noted.token,
            should_tell=noted.should_tell,
        )

    async def _evict(self, tx: SessionsTx, newest: Session, origin: Origin) -> None:
        actor, owner, limit = _as_user(newest.user_id, newest.id, origin), newest.user_id, self._rules.max_per_user
        for evicted in await tx.sessions.end_oldest_beyond(owner, limit, EndReason.EVICTED, newest.created_at):
            tx.feed.publish(Change.of_session(evicted))
            await self._audit_end(tx, actor, Action.SESSION_EVICT, evicted, owner)

    async def renew(self, tx: SessionsTx, token: Secret, origin: Origin) -> Renewed | Stolen | None:
        """Judge a refresh token and act on the verdict (rulings R16). None: it is good for nothing.

        The caller lets `tx` commit whatever the answer is: a refusal is audited, and theft ends the session.
        """
        now = self._clock.now()
        family = await tx.refresh_tokens.lock_family(digest(token))
        if family is None:
            await self._audit_renewal(tx, Actor.anonymous(origin), None, Outcome.FAILURE, "unknown token")
            return None
        session, salt = family.session, family.presented.child_salt
        actor = _as_user(session.user_id, session.id, origin)
        match judge_refresh(family, replay_window=self._rules.replay_window, now=now):
            case RefreshVerdict.ROTATE:
                child = await self._rotate(tx, session, token, now)
                await self._audit_renewal(tx, actor, session)
                return Renewed(session=session, refresh_token=child)
            case RefreshVerdict.REPLAY if salt is not None:
                await self._audit_renewal(tx, actor, session, Outcome.SUCCESS, "the same answer again")
                return Renewed(session=session, refresh_token=derive_token(token, salt))
            case RefreshVerdict.THEFT:
                await tx.sessions.end(session.id, EndReason.REFRESH_REUSED, now)
                tx.feed.publish(Change.of_session(session.id))
                await self._activity.write(
                    tx,
                    actor,
                    Action.SESSION_REUSE_DETECTED,
                    resource=Resource(type="session", id=session.id),
                    outcome=Outcome.FAILURE,
                    reason="an old refresh token was presented",
                )
                return Stolen(
                    session=session,
                    username=family.username,
                    email=family.email,
                    email_verified=family.email_verified,
                )
            case _:
                await self._audit_renewal(tx, actor, session, Outcome.FAILURE, "its session is over")
        return None

    async def end_one(
        self, tx: SessionsTx, actor: Actor, session_id: SessionId, reason: EndReason, action: Action
    ) -> bool:
        """End a session inside the caller's transaction; False if it was over already."""
        if not await tx.sessions.end(session_id, reason, self._clock.now()):
            return False
        tx.feed.publish(Change.of_session(session_id))
        await self._audit_end(tx, actor, action, session_id, actor.require_user())
        return True

    async def end_all(
        self,
        tx: SessionsTx,
        actor: Actor,
        user_id: UserId,
        reason: EndReason,
        action: Action,
        *,
        keep: SessionId | None,
    ) -> int:
        """End a user's sessions inside the caller's transaction, but `keep`; one audit entry tells of all."""
        ended = await tx.sessions.end_all_of(user_id, reason, self._clock.now(), keep=keep)
        tx.feed.publish(*(Change.of_session(session_id) for session_id in ended))
        await self._activity.write(
            tx,
            actor,
            action,
            resource=Resource(type="user", id=user_id),
            reason=f"{len(ended)} ended",
            on_behalf_of=None if actor.user_id == user_id else user_id,
        )
        return len(ended)

    def saw(self, session: Session, origin: Origin, now: datetime) -> None:
        """Remember that the session was used; `write_sightings` writes it, at most once a minute per session."""
        if now - self._noted.get(session.id, session.last_activity_at) >= SIGHTING_INTERVAL:
            self._noted[session.id] = now
            self._unwritten[session.id] = Sighting(session_id=session.id, at=now, address=origin.address)

    async def write_sightings(self) -> int:
        """Write what `saw` remembered, and erase refresh salts whose window has closed; how many sightings.

        Raises:
            DatabaseUnavailable: nothing was written; the next call tries again.
        """
        now = self._clock.now()
        sightings = tuple(self._unwritten.values())
        async with self._uow.begin() as tx:
            if sightings:
                await tx.sessions.mark_seen(sightings)
            await tx.refresh_tokens.erase_salts(rotated_before=now - self._rules.replay_window)
        for sighting in sightings:
            self._unwritten.pop(sighting.session_id, None)
        self._noted = {key: at for key, at in self._noted.items() if now - at < SIGHTING_INTERVAL}
        return len(sightings)

    async def maintain(self, _: SessionMaintenance, ctx: JobContext) -> None:
        """Close sessions whose time is over; forget ended ones and unused devices once they were kept long enough.

        The feed says nothing of it: time sends no event, and who remembers such a session knows when it expires
        (rulings R25). Refresh tokens stay as long as their session: presented, an old one must end it (rulings R16).
        """
        now = self._clock.now()
        await in_batches(ctx, "closing sessions", lambda: self._end_expired(by=now - CLOSING_GRACE))
        await in_batches(ctx, "forgetting sessions", lambda: self._forget_ended(before=now - ENDED_KEPT))
        await in_batches(ctx, "forgetting devices", lambda: self._forget_devices(unseen_since=now - DEVICE_KEPT))
        async with self._uow.begin() as tx:
            await tx.refresh_tokens.erase_salts(rotated_before=now - self._rules.replay_window)
            await ctx.complete(tx)

    async def _end_expired(self, *, by: datetime) -> int:
        """Nobody did it, so one entry tells of all that one transaction closed."""
        async with self._uow.begin() as tx:
            reasons = await tx.sessions.end_expired(by=by, limit=BATCH)
            if reasons:
                counts = {reason.value: FieldChange(after=count) for reason, count in Counter(reasons).items()}
                await self._activity.write(tx, Actor.system(), Action.SESSION_EXPIRE, changes=counts)
        return len(reasons)

    async def _forget_ended(self, *, before: datetime) -> int:
        async with self._uow.begin() as tx:
            return await tx.sessions.forget_ended(before=before, limit=BATCH)

    async def _forget_devices(self, *, unseen_since: datetime) -> int:
        async with self._uow.begin() as tx:
            return await tx.sessions.forget_devices(unseen_since=unseen_since, limit=BATCH)

    async def _rotate(self, tx: SessionsTx, session: Session, token: Secret, now: datetime) -> Secret:
        salt = new_salt() + new_salt()
        child = derive_token(token, salt)
        link = RefreshToken(token_hash=digest(child), session_id=session.id, issued_at=now)
        await tx.refresh_tokens.rotate(digest(token), at=now, child=link, child_salt=salt)
        idle = min(now + self._rules.lifetime(session.client_type).idle, session.expires_at)
        await tx.sessions.slide(session.id, at=now, idle_expires_at=idle)
        return child

    async def _audit_renewal(
        self,
        tx: SessionsTx,
        actor: Actor,
        session: Session | None,
        outcome: Outcome = Outcome.SUCCESS,
        reason: str | None = None,
    ) -> None:
        resource = Resource(type="session", id=session.id) if session else None
        await self._activity.write(tx, actor, Action.SESSION_REFRESH, resource=resource, outcome=outcome, reason=reason)

    async def _audit_end(
        self, tx: SessionsTx, actor: Actor, action: Action, session_id: SessionId, owner: UserId
    ) -> None:
        await self._activity.write(
            tx,
            actor,
            action,
            resource=Resource(type="session", id=session_id),
            on_behalf_of=None if actor.user_id == owner else owner,
        )


def _session_of(actor: Actor) -> SessionId:
    actor.require_person()
    if actor.session_id is None:
        message = "This call needs a session; sign in with a password"
        raise Unauthenticated(message)
    return actor.session_id


def _as_user(user_id: UserId, session_id: SessionId, origin: Origin) -> Actor:
    return Actor(kind=ActorKind.USER, user_id=user_id, session_id=session_id, origin=origin)
