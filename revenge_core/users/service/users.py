"""Use cases of accounts: look at one, change one's own."""

from datetime import datetime

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.clock import Clock
from revenge_core.errors import FieldProblem, Unauthenticated, VersionMismatch
from revenge_core.feed import Change
from revenge_core.ids import Ids, UserId
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import NewUser, Profile, User, UserChanges, Visibility
from revenge_core.users.errors import EmailChangeUnavailable, UserInvalid, UserNotFound
from revenge_core.users.policy import field_problems, name_key
from revenge_core.users.ports import PreferenceReader, UserDirectory, UserReader, UsersTx
from revenge_core.users.service.addresses import Addresses


class Users:
    """Accounts."""

    def __init__(  # one argument per port and service that it uses
        self,
        uow: UnitOfWork[UsersTx],
        reader: UserReader,
        directory: UserDirectory,
        preferences: PreferenceReader,
        addresses: Addresses,
        activity: Activity,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._uow = uow
        self._reader = reader
        self._directory = directory
        self._preferences = preferences
        self._addresses = addresses
        self._activity = activity
        self._clock = clock
        self._ids = ids

    @staticmethod
    def key_of(name: str) -> str:
        """The form in which user names and addresses are compared, typed ones and those of accounts."""
        return name_key(name)

    @staticmethod
    def problems_of(new: NewUser) -> list[FieldProblem]:
        """Everything that is wrong with an account to be made, its password aside."""
        return list(field_problems(username=new.username, email=new.email, display_name=new.display_name or ""))

    @staticmethod
    def problems_of_changes(changes: UserChanges, *, username: str | UnsetType = UNSET) -> list[FieldProblem]:
        """Everything that is wrong with what is wanted of an account, and with the name that somebody else gives it."""
        return list(
            field_problems(
                username=username,
                email=changes.email,
                display_name=changes.display_name,
                timezone=changes.timezone,
                locale=changes.locale,
            )
        )

    @staticmethod
    def restored(user: User, now: datetime) -> User:
        """A deleted account as it is once it is back; the caller stores and audits it."""
        return replace(user, deleted_at=None, purge_at=None, may_return=False, version=user.version + 1, updated_at=now)

    async def add(self, tx: UsersTx, new: NewUser, *, email_verified: bool = False) -> User:
        """Make the account inside the caller's transaction; the caller has looked at `problems_of` and audits.

        Raises:
            UsernameTaken, EmailTaken: the name or the address belongs to somebody else.
        """
        now = self._clock.now()
        user = User(
            id=UserId(self._ids.new()),
            username=new.username,
            username_key=name_key(new.username),
            email=new.email,
            email_key=name_key(new.email),
            display_name=new.display_name or None,
            email_verified=email_verified,
            created_at=now,
            updated_at=now,
        )
        await tx.users.add(user)
        return user

    async def me(self, actor: Actor) -> User:
        """The actor's own account.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            Forbidden: the actor lacks `profile:read`, or comes with an API key that may read nothing of its owner's.
        """
        actor.require(Permission.PROFILE_READ)
        user = await self._reader.by_id(actor.require_user())
        if user is None:
            raise Unauthenticated
        return user

    async def profile(self, actor: Actor, user_id: UserId) -> Profile:
        """Somebody's account, as far as they let the actor see it (decisions I10).

        Raises:
            Unauthenticated: nobody is signed in.
            Forbidden: as `me`; whoever has `users:get` sees other accounts with that alone.
            UserNotFound: there is none, or it is not shown to the actor.
        """
        is_own = actor.user_id == user_id
        sees_all = not is_own and actor.may(Permission.USERS_GET)
        if not sees_all:
            actor.require(Permission.PROFILE_READ)
            actor.require_user()
        if is_own or sees_all:
            listed = await self._directory.any_by_id(user_id)
            if listed is None or listed.user.deleted_at is not None:
                raise UserNotFound
            return Profile(user=listed.user, shows_email=True, shows_everything=True, roles=listed.roles)
        user = await self._reader.by_id(user_id)
        if user is None or not user.is_active:
            raise UserNotFound
        wishes = await self._preferences.of_user(user_id)
        if wishes.profile_visibility is not Visibility.PUBLIC:
            raise UserNotFound
        return Profile(user=user, shows_email=wishes.show_email, shows_everything=False, roles=frozenset())

    async def update_me(self, actor: Actor, changes: UserChanges, *, version: int | None = None) -> User:
        """Change the actor's own account; what is absent stays, an empty display name clears it.

        Another address is pending until it is verified; the present one given again calls that off.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            Forbidden: the actor lacks `profile:update`, or comes with an API key that was not made for changes.
            KeyRefused: it is an API key, and the address changes, or a change of it is called off.
            UserInvalid: a field breaks a rule; all of them are named.
            ReauthRequired: the address is another one, and the latest proof is too old (decisions W12).
            EmailChangeUnavailable: the address is another one, and this server sends no mail (rulings R23).
            EmailChangeTooSoon: the address is another one, and one was asked for less than a minute ago.
            EmailTaken: somebody else has that address.
            VersionMismatch: it is not at `version`.
        """
        actor.require(Permission.PROFILE_UPDATE)
        user_id = actor.require_user(writes=True)
        if problems := self.problems_of_changes(changes):
            raise UserInvalid(problems=problems)

        async with self._uow.begin() as tx:
            before = await tx.users.lock(user_id)
            if before is None:
                raise Unauthenticated
            if version is not None and version != before.version:
                raise VersionMismatch
            moved = before if changes.email is UNSET else await self._moved(tx, actor, before, changes.email)
            after = replace(
                moved,
                display_name=before.display_name if changes.display_name is UNSET else changes.display_name or None,
                timezone=before.timezone if changes.timezone is UNSET else changes.timezone,
                locale=before.locale if changes.locale is UNSET else changes.locale,
            )
            if after == before:
                return before
            after = replace(after, updated_at=self._clock.now(), version=before.version + 1)
            await tx.users.update(after)
            tx.feed.publish(Change.of_user(user_id))
            changed = {
                name: FieldChange(before=getattr(before, name), after=getattr(after, name))
                for name in ("display_name", "locale", "pending_email", "timezone")
                if getattr(before, name) != getattr(after, name)
            }
            if changed.keys() - {"pending_email"} or after.pending_email is None:  # else asking was the entry
                resource = Resource(type="user", id=user_id)
                await self._activity.write(tx, actor, Action.USER_UPDATE, resource=resource, changes=changed)
        return after

    async def _moved(self, tx: UsersTx, actor: Actor, user: User, email: str) -> User:
        """The account on its way to `email`, or with nothing pending where that is its address."""
        key = name_key(email)
        if key == user.email_key:
            if user.pending_email is not None:
                actor.refuse_key()
            return await self._addresses.call_off_change(tx, user)
        if user.pending_email is not None and key == name_key(user.pending_email):
            return user
        if not self._addresses.can_verify:
            raise EmailChangeUnavailable
        actor.require_proof(self._clock.now())
        return await self._addresses.ask_change(tx, actor, user, email)
