"""The desk of a server behind a URL: the operations of its API.

Nothing here waits for an event loop; `async` is only what both desks have in common.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from revenge_cli.access_there import AccessThere
from revenge_cli.account_records import Count, Invite, People, Person, SignIn
from revenge_cli.desk import Desk
from revenge_cli.remote import Remote
from revenge_core.accounts.entities import AccountChanges, NewAccount, NewInvitation
from revenge_core.accounts.policy import QUERY_MAX
from revenge_core.entity import Entity
from revenge_core.paging import MAX_LIMIT
from revenge_core.secrets import Secret
from revenge_core.users.entities import UserFilter
from revenge_core.users.errors import UserNotFound
from revenge_core.users.policy import EMAIL_MAX, name_key


class _Made(Person, kw_only=True):
    reset_link: str | None = None


class _SignIns(Entity, kw_only=True):
    sessions: tuple[SignIn, ...]


class _Revoked(Entity, kw_only=True):
    revoked: int


class _Invites(Entity, kw_only=True):
    invitations: tuple[Invite, ...]
    total: int


class _Counts(Entity, kw_only=True):
    limits: tuple[Count, ...]


class DeskThere(Desk):
    """Requests, made by whoever has the token."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    @property
    def access(self) -> AccessThere:
        """Of the same server."""
        return AccessThere(self._remote)

    async def myself(self) -> Person | None:
        """`GET /users/me`."""
        return self._remote.get(Person, "users", "me")

    async def people(self, wanted: UserFilter, *, limit: int, offset: int) -> People:
        """`GET /admin/users`."""
        return self._people(wanted, limit, offset)

    async def find(self, name: str) -> Person:
        """`GET /admin/users/{userId}` for an id, else the one account of the list that has exactly this name."""
        try:
            return self._remote.get(Person, "admin", "users", str(UUID(name)))
        except ValueError:
            pass
        if len(name) > EMAIL_MAX:
            raise UserNotFound
        wanted = name_key(name)
        for deleted in (False, True):
            for person in self._everybody(UserFilter(query=wanted[:QUERY_MAX], is_deleted=deleted)):
                if wanted in {name_key(person.username), name_key(person.email)}:
                    return person
        raise UserNotFound

    async def create(self, new: NewAccount) -> tuple[Person, Secret | None]:
        """`POST /admin/users`."""
        body = _body(new) | {"roles": sorted(new.roles)}
        made = self._remote.send(_Made, "POST", "admin", "users", body=body)
        person = msgspec.convert(made, Person, from_attributes=True)
        return person, Secret(made.reset_link) if made.reset_link else None

    async def change(self, user_id: UUID, changes: AccountChanges) -> Person:
        """`PATCH /admin/users/{userId}`."""
        body = _body(changes) | ({} if changes.roles is UNSET else {"roles": sorted(changes.roles)})
        return self._remote.send(Person, "PATCH", "admin", "users", str(user_id), body=body)

    async def disable(self, user_id: UUID) -> None:
        """`POST /admin/users/{userId}/disable`."""
        self._remote.do("POST", "admin", "users", str(user_id), "disable")

    async def enable(self, user_id: UUID) -> None:
        """`POST /admin/users/{userId}/enable`."""
        self._remote.do("POST", "admin", "users", str(user_id), "enable")

    async def delete(self, user_id: UUID) -> None:
        """`DELETE /admin/users/{userId}`."""
        self._remote.do("DELETE", "admin", "users", str(user_id))

    async def restore(self, user_id: UUID) -> Person:
        """`POST /admin/users/{userId}/restore`."""
        return self._remote.send(Person, "POST", "admin", "users", str(user_id), "restore")

    async def send_reset(self, user_id: UUID) -> None:
        """`POST /admin/users/{userId}/send-reset`."""
        self._remote.do("POST", "admin", "users", str(user_id), "send-reset")

    async def sessions_of(self, user_id: UUID) -> Sequence[SignIn]:
        """`GET /admin/users/{userId}/sessions`."""
        return self._remote.get(_SignIns, "admin", "users", str(user_id), "sessions").sessions

    async def revoke_session(self, session_id: UUID) -> None:
        """`DELETE /sessions/{sessionId}`, which takes those of others from whoever may."""
        self._remote.do("DELETE", "sessions", str(session_id))

    async def revoke_sessions(self, user_id: UUID) -> int:
        """`POST /admin/users/{userId}/revoke-sessions`."""
        return self._remote.send(_Revoked, "POST", "admin", "users", str(user_id), "revoke-sessions").revoked

    async def invite(self, new: NewInvitation) -> Invite:
        """`POST /admin/invitations`."""
        return self._remote.send(Invite, "POST", "admin", "invitations", body=_body(new))

    async def invitations(self, *, limit: int, offset: int) -> tuple[Sequence[Invite], int]:
        """`GET /admin/invitations`."""
        page = self._remote.get(_Invites, "admin", "invitations", limit=limit, offset=offset)
        return page.invitations, page.total

    async def invitation(self, invitation_id: UUID) -> Invite:
        """`GET /admin/invitations/{invitationId}`."""
        return self._remote.get(Invite, "admin", "invitations", str(invitation_id))

    async def revoke_invitation(self, invitation_id: UUID) -> None:
        """`DELETE /admin/invitations/{invitationId}`."""
        self._remote.do("DELETE", "admin", "invitations", str(invitation_id))

    async def counts(self) -> Sequence[Count]:
        """`GET /admin/limits`."""
        return self._remote.get(_Counts, "admin", "limits").limits

    async def clear(self, subject: str) -> None:
        """`DELETE /admin/limits/{subject}`."""
        self._remote.do("DELETE", "admin", "limits", subject)

    def _everybody(self, wanted: UserFilter) -> Iterator[Person]:
        offset, total = 0, 1
        while offset < total:
            page = self._people(wanted, MAX_LIMIT, offset)
            yield from page.users
            offset, total = offset + MAX_LIMIT, page.total

    def _people(self, wanted: UserFilter, limit: int, offset: int) -> People:
        return self._remote.get(
            People,
            "admin",
            "users",
            query=wanted.query,
            is_active=wanted.is_active,
            is_admin=wanted.is_admin,
            deleted=wanted.is_deleted or None,
            role=wanted.role,
            limit=limit,
            offset=offset,
        )


def _body(record: Entity) -> dict[str, object]:
    """The fields that say something."""
    return {
        name: value
        for name in record.__struct_fields__
        if (value := getattr(record, name)) is not UNSET and value is not None
    }
