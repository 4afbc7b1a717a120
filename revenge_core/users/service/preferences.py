"""Use cases of preferences."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict, replace

from revenge_core.activity.entities import Action, FieldChange, Resource
from revenge_core.activity.service import Activity
from revenge_core.actor import Actor
from revenge_core.errors import FieldProblem, Unauthenticated, VersionMismatch
from revenge_core.permissions import Permission
from revenge_core.uow import UnitOfWork
from revenge_core.users.entities import PreferenceChanges, Preferences
from revenge_core.users.errors import PreferencesInvalid
from revenge_core.users.policy import language_list, language_problems, languages_problems
from revenge_core.users.ports import PreferenceReader, UsersTx

_NOT_SAID: Final = frozenset({"user_id", "version"})
"""Fields that are not the user's to choose."""


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
            Forbidden: the actor lacks `profile:read`, or comes with an API key that may read nothing of its owner's.
        """
        actor.require(Permission.PROFILE_READ)
        return await self._reader.of_user(actor.require_user())

    async def change(self, actor: Actor, changes: PreferenceChanges, *, version: int | None = None) -> Preferences:
        """Change the actor's own; what is absent stays.

        Raises:
            Unauthenticated: nobody is signed in, or the account is gone.
            Forbidden: the actor lacks `profile:update`, or comes with an API key that was not made for changes.
            PreferencesInvalid: fields break rules; all of them are named.
            VersionMismatch: they are not at `version`.
        """
        actor.require(Permission.PROFILE_UPDATE)
        user_id = actor.require_user(writes=True)
        if problems := list(_problems_of(changes)):
            raise PreferencesInvalid(problems=problems)
        said = {name: value for name, value in asdict(changes).items() if value is not UNSET}
        if "content_language" in said:
            said["content_language"] = ",".join(language_list(said["content_language"]))

        async with self._uow.begin() as tx:
            if await tx.users.lock(user_id) is None:
                raise Unauthenticated
            before = await tx.preferences.lock(user_id)
            if version is not None and version != before.version:
                raise VersionMismatch
            after = replace(before, **said)
            if after == before:
                return before
            after = replace(after, version=before.version + 1)
            await tx.preferences.put(after)
            await self._activity.write(
                tx,
                actor,
                Action.USER_PREFERENCES_UPDATE,
                resource=Resource(type="user", id=user_id),
                changes=_difference(before, after),
            )
        return after


def _problems_of(changes: PreferenceChanges) -> Iterator[FieldProblem]:
    for name in ("display_language", "metadata_language"):
        tag: str | msgspec.UnsetType = getattr(changes, name)
        if tag is not UNSET:
            yield from language_problems(tag, f"/{name}")
    if changes.content_language is not UNSET:
        yield from languages_problems(changes.content_language, "/content_language")


def _difference(before: Preferences, after: Preferences) -> dict[str, FieldChange]:
    """What differs, one line for each value: `email_notifications.frequency`."""
    old, new = _flat(before), _flat(after)
    return {name: FieldChange(before=old[name], after=new[name]) for name in new if old[name] != new[name]}


def _flat(preferences: Preferences) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in asdict(preferences).items():
        if isinstance(value, msgspec.Struct):
            found |= {f"{name}.{inner}": one for inner, one in asdict(value).items()}
        elif name not in _NOT_SAID:
            found[name] = value
    return found
