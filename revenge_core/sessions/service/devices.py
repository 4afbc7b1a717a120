"""Use cases of devices: which are known, and which are to be strangers again (decisions I6, rulings R18)."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from revenge_core.activity.entities import Action, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor, Origin
from revenge_core.clock import Clock
from revenge_core.entity import Entity
from revenge_core.feed import Change
from revenge_core.ids import DeviceId, Ids, UserId
from revenge_core.secrets import Secret, digest, new_token
from revenge_core.sessions.entities import ClientType, Device, DeviceToken, EndReason, ListedDevice
from revenge_core.sessions.errors import DeviceNotFound
from revenge_core.sessions.policy import fingerprint, guess_platform
from revenge_core.sessions.ports import DeviceReader, SessionsTx
from revenge_core.uow import UnitOfWork

TOKENS_KEPT: Final = 5
"""So many browsers on one kind of machine that have the same name stay known; the next one takes the oldest's place."""
TOLD_AGAIN_AFTER: Final = timedelta(days=1)
NOBODY: Final = UserId(UUID(int=0))


class Noted(Entity, kw_only=True):
    """The device of a sign-in."""

    device: Device
    is_known: bool
    token: Secret | None
    """A new one to be kept there, where it is not known."""
    should_tell: bool
    live_sessions: int
    """Those that the user had before this one."""


class Devices:
    """Devices of users. Methods that take a `tx` are for services that bring their own transaction."""

    def __init__(
        self,
        uow: UnitOfWork[SessionsTx],
        reader: DeviceReader,
        activity: Activity,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._activity = activity
        self._clock = clock
        self._ids = ids

    async def list(self, actor: Actor) -> tuple[ListedDevice, ...]:
        """The actor's own devices, last seen first.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key (decisions A4).
        """
        return await self._reader.of_user(actor.require_person(), current=actor.session_id)

    async def forget(self, actor: Actor, device_id: DeviceId) -> bool:
        """Make one of the actor's devices a stranger: its sessions end on every node, its tokens are void.

        Whether the actor's own session was one of those.

        Raises:
            Unauthenticated, KeyRefused: nobody is signed in, or it is an API key.
            DeviceNotFound: the actor has no such device.
        """
        user_id = actor.require_person()
        async with self._uow.begin() as tx:
            if not await tx.sessions.lock_device(user_id, device_id):
                raise DeviceNotFound
            ended = await tx.sessions.end_all_on(user_id, device_id, EndReason.DEVICE_FORGOTTEN, self._clock.now())
            await tx.sessions.void_device_tokens(user_id, device_id)
            tx.feed.publish(*(Change.of_session(session_id) for session_id in ended))
            await self._activity.write(
                tx,
                actor,
                Action.DEVICE_FORGET,
                resource=Resource(type="device", id=device_id),
                reason=f"{len(ended)} sessions ended",
            )
        return actor.session_id in ended

    async def known(self, user_id: UserId | None, token: Secret | None) -> DeviceId | None:
        """Which device of the user holds this token; the same effort for nobody's (None).

        Before a password was checked it proves nothing but a place in a queue (rulings R19).
        """
        return None if token is None else await self._reader.known(user_id or NOBODY, digest(token))

    async def note(
        self, tx: SessionsTx, user_id: UserId, kind: ClientType, name: str | None, origin: Origin, token: Secret | None
    ) -> Noted:
        """Note that the user signed in on a device. The caller holds the user's lock.

        By its token it is known, whatever it calls itself now. Without one it gets one; a device of a kind that was
        not seen before leaves an audit entry.
        """
        now = self._clock.now()
        known = None if token is None else await tx.sessions.use_device_token(user_id, digest(token), now)
        if known is not None:
            there = await tx.sessions.put_device(replace(known, last_address=origin.address, last_seen_at=now))
            return Noted(
                device=there.device,
                is_known=True,
                token=None,
                should_tell=False,
                live_sessions=there.live_sessions,
            )
        platform = guess_platform(origin.user_agent)
        label = fingerprint(kind, name, platform)
        fresh = Device(
            id=DeviceId(self._ids.new()),
            user_id=user_id,
            fingerprint=label,
            client_type=kind,
            name=name,
            platform=platform,
            last_address=origin.address,
            created_at=now,
            last_seen_at=now,
        )
        arrival = await tx.sessions.put_device(fresh)
        device, before = arrival.device, arrival.seen_before
        if before is None:
            await self._audit_new(tx, device, origin)
        new = new_token()
        issued = DeviceToken(
            token_hash=digest(new), device_id=device.id, user_id=user_id, issued_at=now, last_used_at=now
        )
        await tx.sessions.add_device_token(issued, keep=TOKENS_KEPT)
        was_just_here = (
            before is not None and arrival.address_before == origin.address and now - before < TOLD_AGAIN_AFTER
        )
        return Noted(
            device=device,
            is_known=False,
            token=new,
            should_tell=not was_just_here,
            live_sessions=arrival.live_sessions,
        )

    async def _audit_new(self, tx: SessionsTx, device: Device, origin: Origin) -> None:
        await self._activity.write(
            tx,
            Actor.system(origin),
            Action.SESSION_NEW_DEVICE,
            resource=Resource(type="device", id=device.id, key=device.name),
            on_behalf_of=device.user_id,
        )
