"""`/admin/invitations`: letting people in."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from revenge_core.accounts import entities
from revenge_core.accounts.errors import InvitationInvalid, InvitationNotFound
from revenge_core.accounts.policy import LIBRARIES_MAX, NOTE_MAX, USES_MAX
from revenge_core.errors import ReauthRequired
from revenge_core.ids import InvitationId
from revenge_core.permissions import Permission
from revenge_core.rbac.entities import MEMBER
from revenge_core.rbac.errors import RoleTooPowerful
from revenge_core.secrets import Secret
from revenge_http.access import needs
from revenge_http.answers import Made
from revenge_http.operations import Call, operation
from revenge_http.paging import DEFAULT_LIMIT, Limit, Offset
from revenge_http.repeats import Repeats
from revenge_http.users import Email
from revenge_http.wire import Timestamp, Wire, given, present

_INVITATIONS = "/api/v1/admin/invitations"
_INVITATION = f"{_INVITATIONS}/{{invitationId}}"


class InvitationCreate(Wire, kw_only=True):
    """Whom to let in, and as what. With an address it is mailed there, and good for that address only."""

    role: str = MEMBER
    libraries: Annotated[tuple[str, ...], Meta(extra_json_schema={"maxItems": LIBRARIES_MAX})] = ()
    uses: Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": USES_MAX})] = 1
    expires_at: Timestamp | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    note: Annotated[str, Meta(extra_json_schema={"maxLength": NOTE_MAX})] | UnsetType = UNSET

    def new_invitation(self) -> entities.NewInvitation:
        """The same for core."""
        return entities.NewInvitation(
            role=self.role,
            libraries=self.libraries,
            uses=self.uses,
            expires_at=given(self.expires_at),
            email=given(self.email),
            note=given(self.note),
        )


class InvitationInfo(Wire, kw_only=True):
    """An invitation, without its token: nobody is told that again."""

    id: UUID
    role: str
    libraries: list[str]
    uses: int
    used: int
    email: Email | UnsetType = UNSET
    note: str | UnsetType = UNSET
    created_by: UUID | UnsetType = UNSET
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, invitation: entities.Invitation) -> "InvitationInfo":
        """An invitation, good for something or not."""
        return cls(
            id=invitation.id,
            role=invitation.role,
            libraries=list(invitation.libraries),
            uses=invitation.uses,
            used=invitation.used,
            email=present(invitation.email),
            note=present(invitation.note),
            created_by=present(invitation.created_by),
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            revoked_at=present(invitation.revoked_at),
        )


class InvitationCreated(InvitationInfo, kw_only=True):
    """A new invitation, with its token and the link that holds it: they are told this once."""

    token: Secret
    link: Secret


class InvitationList(Wire, kw_only=True):
    """Some invitations, and how many there are in all."""

    invitations: list[InvitationInfo]
    total: int


@operation("GET", _INVITATIONS, "adminListInvitations", needs(Permission.INVITATIONS_LIST))
async def list_invitations(call: Call, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> InvitationList:
    """Invitations, the newest first, those included that let nobody in any more."""
    found, total = await call.revenge.invitations.list(call.actor, limit=limit, offset=offset)
    return InvitationList(invitations=[InvitationInfo.of(one) for one in found], total=total)


@operation(
    "POST",
    _INVITATIONS,
    "adminCreateInvitation",
    needs(Permission.INVITATIONS_CREATE),
    status=201,
    raises=(ReauthRequired, RoleTooPowerful, InvitationInvalid),
    repeats=Repeats.LOCATION,
)
async def create_invitation(call: Call, body: InvitationCreate) -> Made[InvitationCreated]:
    """Make an invitation; its token and link are told this once."""
    invited = await call.revenge.invitations.create(call.actor, body.new_invitation())
    info = InvitationInfo.of(invited.invitation)
    return Made(InvitationCreated(**asdict(info), token=invited.token, link=invited.link), f"{_INVITATIONS}/{info.id}")


_not_there = (InvitationNotFound,)


@operation("GET", _INVITATION, "adminGetInvitation", needs(Permission.INVITATIONS_GET), raises=_not_there)
async def get_invitation(call: Call, invitation_id: UUID) -> InvitationInfo:
    """One invitation, good for something or not."""
    return InvitationInfo.of(await call.revenge.invitations.get(call.actor, InvitationId(invitation_id)))


@operation("DELETE", _INVITATION, "adminRevokeInvitation", needs(Permission.INVITATIONS_DELETE), raises=_not_there)
async def revoke_invitation(call: Call, invitation_id: UUID) -> None:
    """Let nobody in with it any more; whoever came in stays."""
    await call.revenge.invitations.revoke(call.actor, InvitationId(invitation_id))


operations = (list_invitations, create_invitation, get_invitation, revoke_invitation)
