"""`/users/me/avatar` and `/files`: pictures of accounts."""

from uuid import UUID

from revenge_core.permissions import Permission
from revenge_core.storage.errors import StorageUnavailable, StoredFileNotFound
from revenge_core.users import entities
from revenge_core.users.errors import AvatarNotFound, PictureInvalid, PicturesBusy
from revenge_core.users.policy import AVATARS, FILES
from revenge_http.access import needs, public
from revenge_http.answers import Answer
from revenge_http.operations import Call, operation
from revenge_http.streamed import StreamedAnswer
from revenge_http.uploads import Upload
from revenge_http.wire import Timestamp, Wire

FIELDS = ("file", "avatar")
"""The contract's name, and the one that the web client of the original uses (decisions W11)."""


class Avatar(Wire, kw_only=True):
    """The picture of an account."""

    id: UUID
    user_id: UUID
    file_path: str
    """Where everybody who knows the address can fetch it."""
    file_size_bytes: int
    mime_type: str
    width: int
    height: int
    is_animated: bool
    version: int
    is_current: bool
    uploaded_at: Timestamp

    @classmethod
    def of(cls, avatar: entities.Avatar, prefix: str) -> "Avatar":
        """The picture that is shown from now on."""
        return cls(
            id=avatar.id,
            user_id=avatar.user_id,
            file_path=f"{prefix}{FILES}{avatar.key}",
            file_size_bytes=avatar.size,
            mime_type=avatar.media_type,
            width=avatar.width,
            height=avatar.height,
            is_animated=False,
            version=avatar.version,
            is_current=True,
            uploaded_at=avatar.uploaded_at,
        )


_AVATAR = "/api/v1/users/me/avatar"
_may_update = needs(Permission.PROFILE_UPDATE)
_refusals = (PictureInvalid, PicturesBusy, StorageUnavailable)


@operation("POST", _AVATAR, "uploadAvatar", _may_update, raises=_refusals)
async def upload_avatar(call: Call, upload: Upload) -> Avatar:
    """Show this picture from now on. It is drawn anew: one frame, upright, no metadata, at most 1024 pixels long."""
    avatars = call.revenge.avatars
    content = await upload.read(FIELDS, max_bytes=avatars.max_bytes)
    return Avatar.of(await avatars.upload(call.actor, content), call.prefix)


@operation("DELETE", _AVATAR, "deleteAvatar", _may_update, raises=(AvatarNotFound,))
async def delete_avatar(call: Call) -> None:
    """Show no picture any more."""
    await call.revenge.avatars.delete(call.actor)


@operation(
    "GET",
    FILES + AVATARS + "{name}",
    "getAvatarFile",
    public(),
    answers={200: None},
    raises=(StoredFileNotFound, StorageUnavailable),
    streams="image/webp",
)
async def get_file(call: Call, name: str) -> Answer:
    """A picture, for everybody who knows its address, which nobody can guess. Its content never changes."""
    return StreamedAnswer(
        call.revenge.avatars.read(AVATARS + name),
        headers=[
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"content-disposition", b"inline"),
            (b"content-security-policy", b"default-src 'none'; sandbox"),
        ],
    )


operations = (upload_avatar, delete_avatar, get_file)
