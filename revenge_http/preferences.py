"""`/users/me/preferences`: what people want."""

from uuid import UUID

from msgspec import UNSET, UnsetType, convert
from msgspec.structs import asdict

from revenge_core.permissions import Permission
from revenge_core.users import entities
from revenge_core.users.entities import DigestFrequency, MailFrequency, Theme, Visibility
from revenge_core.users.errors import PreferencesInvalid
from revenge_http.access import needs
from revenge_http.answers import Tagged
from revenge_http.operations import Call, operation
from revenge_http.wire import Wire


class EmailNotifications(Wire, kw_only=True):
    """News by mail."""

    enabled: bool = True
    frequency: MailFrequency = MailFrequency.INSTANT


class PushNotifications(Wire, kw_only=True):
    """News on devices."""

    enabled: bool = False


class DigestNotifications(Wire, kw_only=True):
    """A digest of what happened."""

    enabled: bool = True
    frequency: DigestFrequency = DigestFrequency.WEEKLY


class UserPreferences(Wire, kw_only=True):
    """All of one's preferences; who never said anything has the defaults."""

    user_id: UUID
    email_notifications: EmailNotifications
    push_notifications: PushNotifications
    digest_notifications: DigestNotifications
    profile_visibility: Visibility
    show_email: bool
    show_activity: bool
    theme: Theme
    display_language: str
    content_language: str
    """Separated by commas; empty for any."""
    metadata_language: str
    show_adult_content: bool
    show_spoilers: bool
    auto_play_videos: bool

    @classmethod
    def of(cls, preferences: entities.Preferences) -> "UserPreferences":
        """The same, for the wire."""
        return convert(preferences, cls, from_attributes=True)


class UserPreferencesUpdate(Wire, kw_only=True):
    """What to change; what is left out stays. An object with notifications replaces the one that was there."""

    email_notifications: EmailNotifications | UnsetType = UNSET
    push_notifications: PushNotifications | UnsetType = UNSET
    digest_notifications: DigestNotifications | UnsetType = UNSET
    profile_visibility: Visibility | UnsetType = UNSET
    show_email: bool | UnsetType = UNSET
    show_activity: bool | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET
    display_language: str | UnsetType = UNSET
    content_language: str | UnsetType = UNSET
    metadata_language: str | UnsetType = UNSET
    show_adult_content: bool | UnsetType = UNSET
    show_spoilers: bool | UnsetType = UNSET
    auto_play_videos: bool | UnsetType = UNSET

    def changes(self) -> entities.PreferenceChanges:
        """The same, as the service takes it."""
        given = {name: value for name, value in asdict(self).items() if value is not UNSET}
        return convert(given, entities.PreferenceChanges, from_attributes=True)


_PREFERENCES = "/api/v1/users/me/preferences"


@operation("GET", _PREFERENCES, "getUserPreferences", needs(Permission.PROFILE_READ))
async def get_preferences(call: Call) -> Tagged[UserPreferences]:
    """One's own preferences."""
    return _tagged(await call.revenge.preferences.mine(call.actor))


async def _update(call: Call, body: UserPreferencesUpdate) -> Tagged[UserPreferences]:
    """Change some of one's own preferences; what is left out stays."""
    return _tagged(await call.revenge.preferences.change(call.actor, body.changes(), version=call.version))


def _tagged(preferences: entities.Preferences) -> Tagged[UserPreferences]:
    return Tagged(UserPreferences.of(preferences), preferences.version)


_may_update = needs(Permission.PROFILE_UPDATE)
_refusals = (PreferencesInvalid,)
put_preferences = operation("PUT", _PREFERENCES, "updateUserPreferences", _may_update, raises=_refusals)(_update)
patch_preferences = operation("PATCH", _PREFERENCES, "patchUserPreferences", _may_update, raises=_refusals)(_update)

operations = (get_preferences, put_preferences, patch_preferences)
