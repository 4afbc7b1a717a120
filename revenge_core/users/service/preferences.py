"""Use cases of preferences."""

from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import PreferenceChanges, Preferences
from revenge_core.users.ports import PreferenceReader, UsersTx


class UserPreferences:
    """What people want."""

    def __init__(self, uow: UnitOfWork[UsersTx], reader: PreferenceReader, activity: Activity) -> None:
        self._uow = uow
        self._reader = reader
        self._activity = activity

    async def mine(self, actor: Actor) -> Preferences:
        """The actor's own.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        raise NotImplementedError

    async def change(self, actor: Actor, changes: PreferenceChanges, *, version: int | None = None) -> Preferences:
        """Change the actor's own; what is absent stays.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            PreferencesInvalid: fields break rules; all of them are named.
            VersionMismatch: they are not at `version`.
        """
        raise NotImplementedError
