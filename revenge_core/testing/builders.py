"""Valid entities for tests: `a_user(is_active=False)` is good in every respect but the one that the test is about."""

import zlib
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from msgspec import Raw
from msgspec.structs import replace

from revenge_core.accounts.entities import BootstrapToken, Invitation
from revenge_core.activity.entities import Action, Entry, Outcome
from revenge_core.actor import Actor, ActorKind
from revenge_core.apikeys.entities import ApiKey, KeyScope
from revenge_core.auth.entities import Credential, SigningKey
from revenge_core.ids import DeviceId, EntryId, GroupId, InvitationId, KeyId, SessionId, UserId
from revenge_core.jobs.entities import WORKERS, Claimed, WorkerInfo
from revenge_core.mail.entities import Email, Mailbox, Message
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import MEMBER, GrantSource, Group, Membership, RoleGrant
from revenge_core.secrets import Secret
from revenge_core.sessions.entities import ClientType, Device, RefreshToken, Session
from revenge_core.users.entities import OneTimeToken, Purpose, User
from revenge_core.users.policy import name_key

NOW: Final = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)
"""When everything here was made. Its microseconds show whether a store keeps them."""

_numbers = count(1)


def an_id() -> UUID:
    """Shaped like UUIDv7, larger than every one before."""
    number = next(_numbers)
    return UUID(int=(0x019A_0000_0000 + number) << 80 | 7 << 76 | 0b10 << 62 | number)


def a_png(width: int = 48, height: int = 32) -> bytes:
    """A small picture of one colour, as a client might upload it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes(min(width, 5000) + 1) * min(height, 5000))  # a bomb need not be complete to be one
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def a_user(**changes: object) -> User:
    """A living, active account of its own name; the normalised forms follow the names given."""
    user_id = UserId(an_id())
    username = str(changes.get("username", f"user-{user_id.int % 2**32}"))
    email = str(changes.get("email", f"{username}@example.org"))
    user = User(
        id=user_id,
        username=username,
        username_key=name_key(username),
        email=email,
        email_key=name_key(email),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(user, **changes)


def an_actor(user: User, *permissions: Permission, session_id: SessionId | None = None) -> Actor:
    """The user, signed in, with these permissions and no other."""
    return Actor(kind=ActorKind.USER, user_id=user.id, session_id=session_id, permissions=frozenset(permissions))


def a_credential(user_id: UserId, **changes: object) -> Credential:
    """A credential that no password fits."""
    return replace(Credential(user_id=user_id, password_hash=Secret(f"hash {an_id()}"), changed_at=NOW), **changes)


def a_grant(user_id: UserId, role: str = MEMBER, **changes: object) -> RoleGrant:
    """The user holds the role since registration."""
    grant = RoleGrant(user_id=user_id, role=role, source=GrantSource.REGISTRATION, granted_at=NOW)
    return replace(grant, **changes)


def a_device(user_id: UserId, **changes: object) -> Device:
    """A phone of its own fingerprint."""
    device_id = DeviceId(an_id())
    device = Device(
        id=device_id,
        user_id=user_id,
        fingerprint=f"app\x1f{device_id}\x1fAndroid",
        client_type=ClientType.APP,
        name="phone",
        platform="Android",
        last_address="192.0.2.7",
        created_at=NOW,
        last_seen_at=NOW,
    )
    return replace(device, **changes)


def a_session(device: Device, **changes: object) -> Session:
    """A sign-in on `device`, good for an hour without activity and for a day at most."""
    session = Session(
        id=SessionId(an_id()),
        user_id=device.user_id,
        device_id=device.id,
        epoch=0,
        client_type=device.client_type,
        device_name=device.name,
        user_agent="Film Club/1.0",
        address="192.0.2.7",
        methods=("pwd",),
        level=1,
        authenticated_at=NOW,
        created_at=NOW,
        last_activity_at=NOW,
        idle_expires_at=NOW + timedelta(hours=1),
        expires_at=NOW + timedelta(days=1),
    )
    return replace(session, **changes)


def an_api_key(user_id: UserId, **changes: object) -> ApiKey:
    """A key that reads, from everywhere, for a year."""
    key_id = KeyId(an_id())
    key = ApiKey(
        id=key_id,
        user_id=user_id,
        name=f"key {key_id.int % 2**32}",
        description=None,
        prefix="rv_01234",
        scopes=frozenset({KeyScope.READ}),
        permissions=frozenset(),
        libraries=None,
        addresses=None,
        rate_limit=None,
        recording=False,
        expires_at=NOW + timedelta(days=365),
        previous_until=None,
        last_used_at=None,
        last_used_address=None,
        created_at=NOW,
        updated_at=NOW,
        revoked_at=None,
        version=0,
    )
    return replace(key, **changes)


def a_refresh_token(session_id: SessionId, **changes: object) -> RefreshToken:
    """A token that was not used yet, known by a digest of its own."""
    token = RefreshToken(token_hash=a_digest(), session_id=session_id, issued_at=NOW)
    return replace(token, **changes)


def a_digest() -> bytes:
    """Thirty-two bytes like no other."""
    return an_id().bytes * 2


def a_bootstrap_token(**changes: object) -> BootstrapToken:
    """A bootstrap token, good for a day."""
    token = BootstrapToken(token_hash=a_digest(), created_at=NOW, expires_at=NOW + timedelta(days=1))
    return replace(token, **changes)


def an_invitation(**changes: object) -> Invitation:
    """An invitation that nobody used yet, good for a day, once."""
    invitation = Invitation(
        id=InvitationId(an_id()),
        token_hash=a_digest(),
        role=MEMBER,
        libraries=(),
        uses=1,
        used=0,
        email=None,
        note=None,
        created_by=None,
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(invitation, **changes)


def a_one_time_token(user_id: UserId, **changes: object) -> OneTimeToken:
    """The right to set a new password, mailed a moment ago and good for an hour."""
    token = OneTimeToken(
        token_hash=a_digest(),
        purpose=Purpose.PASSWORD_RESET,
        user_id=user_id,
        email="somebody@example.org",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    return replace(token, **changes)


def a_signing_key(**changes: object) -> SigningKey:
    """A key that still signs."""
    kid = str(an_id())
    return replace(SigningKey(kid=kid, wrapped=a_digest(), secret_check="check", created_at=NOW), **changes)  # noqa: S106 - invented


def an_entry(**changes: object) -> Entry:
    """An audit entry of an unknown caller, about nothing in particular."""
    entry = Entry(
        id=EntryId(an_id()),
        created_at=NOW,
        actor_kind=ActorKind.ANONYMOUS,
        actor_id=None,
        session_id=None,
        key_id=None,
        on_behalf_of=None,
        action=Action.USER_LOGIN,
        outcome=Outcome.FAILURE,
        reason=None,
        resource_type=None,
        resource_id=None,
        resource_key=None,
        changes={},
        address=None,
        user_agent=None,
        request_id=None,
        salt=b"sixteen salt byt",
    )
    return replace(entry, **changes)


def a_worker(worker_id: str = "worker", **changes: object) -> WorkerInfo:
    """A process that runs jobs of every queue."""
    queues = {queue.value: count for queue, count in WORKERS.items()}
    worker = WorkerInfo(id=worker_id, host="kitchen", pid=4711, version="0.2.0", queues=queues)
    return replace(worker, **changes)


def a_claimed_job(**changes: object) -> Claimed:
    """An errand that a worker was just handed for the first time, without arguments."""
    claimed = Claimed(
        id=1,
        run=1,
        kind="errand",
        queue="default",
        priority=3,
        attempt=1,
        max_attempts=3,
        timeout=None,
        args=Raw(b"{}"),
        metadata={},
        progress=None,
        created_at=NOW,
        scheduled_at=NOW,
        attempted_at=NOW,
    )
    return replace(claimed, **changes)


def an_email(**changes: object) -> Email:
    """A few words to somebody."""
    email = Email(to=f"somebody-{next(_numbers)}@example.org", subject="Good news", text=Secret("It works.\n"))
    return replace(email, **changes)


def a_message(**changes: object) -> Message:
    """An e-mail on its way; `changes` are those of the e-mail."""
    return Message(
        id=f"{an_id()}@films.example.org",
        date=NOW.replace(microsecond=0),  # headers know seconds only
        sender=Mailbox(address="revenge@films.example.org", name="Revenge"),
        email=an_email(**changes),
    )


def a_group(name: str, *roles: str, **changes: object) -> Group:
    """A group that carries these roles."""
    group = Group(
        id=GroupId(an_id()), name=name, name_key=name_key(name), roles=frozenset(roles), created_at=NOW, updated_at=NOW
    )
    return replace(group, **changes)


def a_membership(group_id: GroupId, user_id: UserId, **changes: object) -> Membership:
    """The user is in the group because an administrator put them there."""
    membership = Membership(group_id=group_id, user_id=user_id, source=GrantSource.MANUAL, added_at=NOW)
    return replace(membership, **changes)
