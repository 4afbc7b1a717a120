"""What an administrator may change about an account, field by field."""

from contextlib import suppress
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from revenge_core.accounts.entities import AccountChanges
from revenge_core.accounts.errors import AccountInvalid
from revenge_core.accounts.policy import check_not_last
from revenge_core.accounts.ports import AccountsTx
from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem
from revenge_core.feed import Change
from revenge_core.ids import UserId
from revenge_core.mail.errors import MailInvalid
from revenge_core.rbac.entities import ADMIN, GrantSource, RoleGrant
from revenge_core.rbac.errors import OwnAdmin
from revenge_core.rbac.service import Reach
from revenge_core.users.entities import Listed, Purpose, User
from revenge_core.users.service import Addresses, Users

_PLAIN: Final = ("username", "email_verified", "display_name", "timezone", "locale", "qar_enabled")
"""Fields that are what was asked for, and told of together."""


class Changing:
    """Changes to an account that its administrator makes, in a transaction that holds its lock."""

    def __init__(self, activity: Activity, addresses: Addresses, clock: Clock) -> None:
        self._activity = activity
        self._addresses = addresses
        self._clock = clock

    @staticmethod
    def check(changes: AccountChanges) -> None:
        """Judge the fields by themselves.

        Raises:
            AccountInvalid: some break rules; all of them are named.
        """
        if problems := Users.problems_of_changes(changes, username=changes.username):
            raise AccountInvalid(problems=problems)

    @staticmethod
    def may_end_admins(changes: AccountChanges) -> bool:
        """Whether they could leave nobody who administers: all admins are to be locked before."""
        return any(wish is not UNSET for wish in (changes.roles, changes.email, changes.email_verified))

    async def apply(
        self,
        tx: AccountsTx,
        actor: Actor,
        reach: Reach,
        user: User,
        changes: AccountChanges,
        admins: frozenset[UserId],
    ) -> Listed:
        """Make the changes; nothing happens where all is so already. `admins` are locked where `may_end_admins`.

        Raises:
            Forbidden, ReauthRequired, RoleTooPowerful, UsernameTaken, EmailTaken, LastAdmin, OwnAdmin: as
                `Administration.change`.
            AccountInvalid: a role that is to go comes from a group.
        """
        held = await tx.roles.roles_of(user.id)
        roles = held if changes.roles is UNSET else changes.roles
        if roles != held:
            reach.check_exchange(held ^ roles)
            if ADMIN in held - roles:
                check_not_last(admins, user.id)
                if actor.user_id == user.id:
                    raise OwnAdmin
            await self._exchange_roles(tx, actor, user, held, roles)
        after = _with_fields(user, changes)
        if after.email != user.email:
            actor.require_proof(self._clock.now())
            await tx.one_time_tokens.void(user.id, *Purpose)
        if self._keeps_out(user, after):
            check_not_last(admins, user.id)
        if after == user and roles == held:
            return Listed(user=user, roles=held)
        after = replace(after, version=user.version + 1, updated_at=self._clock.now())
        await tx.users.update(after)
        tx.feed.publish(Change.of_user(user.id))
        await self._audit(tx, actor, Action.USER_UPDATE, user, _differences(user, after, _PLAIN))
        await self._audit(tx, actor, Action.USER_EMAIL_CHANGE, user, _differences(user, after, ("email",)))
        if after.email != user.email:
            with suppress(MailInvalid):  # an address that cannot be written to is to be changed, too
                await self._addresses.tell_changed(tx, user, after)
        return Listed(user=after, roles=roles)

    def _keeps_out(self, before: User, after: User) -> bool:
        """Whether nobody signs in before the address is verified, which it no longer is: a mistyped one never will."""
        lost = (before.email, before.email_verified) != (after.email, after.email_verified)
        return lost and not after.email_verified and self._addresses.must_verify

    async def _exchange_roles(
        self, tx: AccountsTx, actor: Actor, user: User, held: frozenset[str], roles: frozenset[str]
    ) -> None:
        """Give the account these roles instead of those it has. What a group carries for it is not granted besides.

        Raises:
            AccountInvalid: it would still hold a role through a group.
        """
        now = self._clock.now()
        carried = held - await tx.roles.granted_to(user.id)
        grants = [
            RoleGrant(user_id=user.id, role=role, source=GrantSource.MANUAL, granted_at=now, granted_by=actor.user_id)
            for role in sorted(roles - carried)
        ]
        await tx.roles.replace_all(user.id, grants)
        if stay := await tx.roles.roles_of(user.id) - roles:
            detail = f"cannot leave out {', '.join(sorted(stay))}: a group carries it; take the account out of that"
            raise AccountInvalid(problems=[FieldProblem(pointer="/roles", detail=detail[:300])])
        told = {"roles": FieldChange(before=", ".join(sorted(held)), after=", ".join(sorted(roles)))}
        await self._audit(tx, actor, Action.USER_ROLES_CHANGE, user, told)

    async def _audit(
        self, tx: AccountsTx, actor: Actor, action: Action, user: User, changes: dict[str, FieldChange]
    ) -> None:
        if changes:
            resource = Resource(type="user", id=user.id, key=user.username)
            await self._activity.write(tx, actor, action, resource=resource, changes=changes)


def _with_fields(user: User, changes: AccountChanges) -> User:
    """The account as it is wanted. An address that nobody proved anything about is not verified, nor is one pending."""
    wanted = {name: value for name in _PLAIN if (value := getattr(changes, name)) is not UNSET}
    if changes.username is not UNSET:
        wanted["username_key"] = Users.key_of(changes.username)
    if changes.display_name is not UNSET:
        wanted["display_name"] = changes.display_name or None
    if changes.email is not UNSET and changes.email != user.email:
        unproven = {"email_verified": False, "pending_email": None}
        wanted = unproven | wanted | {"email": changes.email, "email_key": Users.key_of(changes.email)}
    return replace(user, **wanted)


def _differences(before: User, after: User, names: tuple[str, ...]) -> dict[str, FieldChange]:
    return {
        name: FieldChange(before=getattr(before, name), after=getattr(after, name))
        for name in names
        if getattr(before, name) != getattr(after, name)
    }
