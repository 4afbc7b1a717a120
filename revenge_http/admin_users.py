"""`/admin/users`: other people's accounts."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from revenge_core.accounts import entities
from revenge_core.accounts.errors import AccountInvalid, AccountNotDeleted, OwnAccount
from revenge_core.accounts.policy import QUERY_MAX
from revenge_core.auth.errors import HasherBusy
from revenge_core.errors import ReauthRequired
from revenge_core.ids import UserId
from revenge_core.mail.errors import MailOff
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import ADMIN, MEMBER
from revenge_core.rbac.errors import LastAdmin, OwnAdmin, RoleTooPowerful
from revenge_core.secrets import Secret
from revenge_core.users.entities import Listed, UserFilter
from revenge_core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from revenge_http.access import needs
from revenge_http.answers import Made, Tagged
from revenge_http.operations import Call, operation
from revenge_http.paging import Limit, Offset, PageNumber, window
from revenge_http.registration import Username
from revenge_http.repeats import Repeats
from revenge_http.users import DisplayName, Email, User
from revenge_http.wire import Timestamp, Wire, given, present

_USERS = "/api/v1/admin/users"
_USER = f"{_USERS}/{{userId}}"
Query = Annotated[str, Meta(max_length=QUERY_MAX)]


class AdminUser(User, kw_only=True):
    """An account, as those see it who look after it. A deleted one says until when it can be restored.

    `may_return` says whether its owner, who deleted it, has it back by signing in until then.
    """

    roles: list[str]
    deleted_at: Timestamp | UnsetType = UNSET
    purge_at: Timestamp | UnsetType = UNSET
    may_return: bool | UnsetType = UNSET

    @classmethod
    def of_listed(cls, listed: Listed, prefix: str) -> "AdminUser":
        """One account with its roles."""
        user = listed.user
        return cls(
            **asdict(User.of(user, is_admin=ADMIN in listed.roles, prefix=prefix)),
            roles=sorted(listed.roles),
            deleted_at=present(user.deleted_at),
            purge_at=present(user.purge_at),
            may_return=UNSET if user.deleted_at is None else user.may_return,
        )


class AdminUserListResponse(Wire, kw_only=True):
    """Some accounts, and how many fit in all."""

    users: list[AdminUser]
    total: int


class AdminUserCreate(Wire, kw_only=True):
    """An account to be made. Its owner chooses the password."""

    username: Username
    email: Email
    display_name: DisplayName | UnsetType = UNSET
    roles: tuple[str, ...] = (MEMBER,)
    email_verified: bool = False

    def new_account(self) -> entities.NewAccount:
        """The same for core."""
        return entities.NewAccount(
            username=self.username,
            email=self.email,
            display_name=given(self.display_name),
            roles=frozenset(self.roles),
            email_verified=self.email_verified,
        )


class AdminUserCreated(AdminUser, kw_only=True):
    """An account that was made. Where no mail could be sent, `reset_link` lets its owner choose a password, once."""

    reset_link: Secret | UnsetType = UNSET


class AdminUserUpdate(Wire, kw_only=True):
    """What to change; what is left out stays. `roles` are all that the account then has."""

    username: Username | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    display_name: DisplayName | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    qar_enabled: bool | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET

    def changes(self) -> entities.AccountChanges:
        """The same for core."""
        return entities.AccountChanges(
            username=self.username,
            email=self.email,
            email_verified=self.email_verified,
            display_name=self.display_name,
            timezone=self.timezone,
            locale=self.locale,
            qar_enabled=self.qar_enabled,
            roles=UNSET if self.roles is UNSET else frozenset(self.roles),
        )


class RevokedSessions(Wire, kw_only=True):
    """How many sessions were ended."""

    revoked: int


@operation("GET", _USERS, "adminListUsers", needs(Permission.USERS_LIST))
async def list_users(
    call: Call,
    query: Query | UnsetType = UNSET,
    search: Query | UnsetType = UNSET,
    is_active: bool | UnsetType = UNSET,  # noqa: FBT001 (a query parameter)
    is_admin: bool | UnsetType = UNSET,  # noqa: FBT001 (a query parameter)
    deleted: bool = False,  # noqa: FBT001, FBT002 (a query parameter)
    role: str | UnsetType = UNSET,
    limit: Limit | UnsetType = UNSET,
    page_size: Limit | UnsetType = UNSET,
    offset: Offset | UnsetType = UNSET,
    page: PageNumber | UnsetType = UNSET,
) -> AdminUserListResponse:
    """Accounts that fit, the newest first; `search`, `page` and `page_size` are other words for what they look like."""
    wanted = UserFilter(
        query=given(search if query is UNSET else query),
        is_active=given(is_active),
        is_admin=given(is_admin),
        is_deleted=deleted,
        role=given(role),
    )
    count, start = window(limit=limit, page_size=page_size, offset=offset, page=page)
    found = await call.revenge.administration.list(call.actor, wanted, limit=count, offset=start)
    users = [AdminUser.of_listed(one, call.prefix) for one in found.users]
    return AdminUserListResponse(users=users, total=found.total)


_powers = (ReauthRequired, RoleTooPowerful)
_names = (AccountInvalid, UsernameTaken, EmailTaken)


@operation(
    "POST",
    _USERS,
    "adminCreateUser",
    needs(Permission.USERS_CREATE),
    status=201,
    raises=(*_powers, *_names, HasherBusy),
    repeats=Repeats.LOCATION,
)
async def create_user(call: Call, body: AdminUserCreate) -> Made[AdminUserCreated]:
    """Make an account; its owner chooses the password by a link, which a mail brings or, without mail, the answer."""
    created = await call.revenge.administration.create(call.actor, body.new_account())
    user = AdminUser.of_listed(created.account, call.prefix)
    record = AdminUserCreated(**asdict(user), reset_link=present(created.link))
    return Made(record, f"{_USERS}/{user.id}", version=created.account.user.version)


@operation("GET", _USER, "adminGetUser", needs(Permission.USERS_GET), raises=(UserNotFound,))
async def get_user(call: Call, user_id: UUID) -> Tagged[AdminUser]:
    """One account with its roles, living or deleted."""
    return _tagged(call, await call.revenge.administration.get(call.actor, UserId(user_id)))


def _tagged(call: Call, listed: Listed) -> Tagged[AdminUser]:
    return Tagged(AdminUser.of_listed(listed, call.prefix), listed.user.version)


@operation(
    "PATCH",
    _USER,
    "adminUpdateUser",
    needs(Permission.USERS_UPDATE),
    raises=(UserNotFound, LastAdmin, OwnAdmin, *_powers, *_names),
)
async def update_user(call: Call, user_id: UUID, body: AdminUserUpdate) -> Tagged[AdminUser]:
    """Change an account; a new address takes effect at once, and both addresses are told."""
    changes, version = body.changes(), call.version
    return _tagged(
        call, await call.revenge.administration.change(call.actor, UserId(user_id), changes, version=version)
    )


@operation(
    "DELETE",
    _USER,
    "adminDeleteUser",
    needs(Permission.USERS_DELETE, keys=False),
    raises=(UserNotFound, OwnAccount, LastAdmin, *_powers),
    versioned=True,
)
async def delete_user(call: Call, user_id: UUID) -> None:
    """Delete somebody else's account: it ends at once, and can be restored for some time, not by its owner."""
    await call.revenge.administration.delete(call.actor, UserId(user_id), version=call.version)


@operation(
    "POST",
    f"{_USER}/disable",
    "adminDisableUser",
    needs(Permission.USERS_UPDATE),
    raises=(UserNotFound, OwnAccount, LastAdmin, RoleTooPowerful),
    versioned=True,
)
async def disable_user(call: Call, user_id: UUID) -> None:
    """Keep somebody out: all sessions end at once, and signing in is refused."""
    await call.revenge.administration.disable(call.actor, UserId(user_id), version=call.version)


@operation(
    "POST",
    f"{_USER}/enable",
    "adminEnableUser",
    needs(Permission.USERS_UPDATE),
    raises=(UserNotFound, RoleTooPowerful),
    versioned=True,
)
async def enable_user(call: Call, user_id: UUID) -> None:
    """Let somebody in again who was kept out."""
    await call.revenge.administration.enable(call.actor, UserId(user_id), version=call.version)


@operation(
    "POST",
    f"{_USER}/restore",
    "adminRestoreUser",
    needs(Permission.USERS_DELETE, keys=False),
    raises=(UserNotFound, AccountNotDeleted, *_powers),
)
async def restore_user(call: Call, user_id: UUID) -> Tagged[AdminUser]:
    """Bring a deleted account back; its sessions stay ended."""
    restored = await call.revenge.administration.restore(call.actor, UserId(user_id), version=call.version)
    return _tagged(call, restored)


@operation(
    "POST",
    f"{_USER}/send-reset",
    "adminSendPasswordReset",
    needs(Permission.USERS_UPDATE, keys=False),
    raises=(UserNotFound, RoleTooPowerful, MailOff),
)
async def send_reset(call: Call, user_id: UUID) -> None:
    """Mail the owner a link to choose a new password; nobody else ever knows it."""
    await call.revenge.administration.send_reset(call.actor, UserId(user_id))


@operation(
    "POST",
    f"{_USER}/revoke-sessions",
    "adminRevokeUserSessions",
    needs(Permission.SESSIONS_REVOKE, keys=False),
    raises=(UserNotFound, RoleTooPowerful),
)
async def revoke_sessions(call: Call, user_id: UUID) -> RevokedSessions:
    """Sign somebody out everywhere."""
    return RevokedSessions(revoked=await call.revenge.administration.revoke_sessions(call.actor, UserId(user_id)))


operations = (
    list_users,
    create_user,
    get_user,
    update_user,
    delete_user,
    disable_user,
    enable_user,
    restore_user,
    send_reset,
    revoke_sessions,
)
